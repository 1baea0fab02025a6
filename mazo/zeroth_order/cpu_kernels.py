"""The loops of ``cpu_kernels.c``, compiled as the package is installed: a direction made and added in one pass.

An installation without a C compiler lacks them; torch then adds numbers that numpy draws, and the bits are the same.
"""

import ctypes
from functools import cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.gaps import Gaps
from mazo.zeroth_order.distributions import normal_quantiles
from mazo.zeroth_order.stream import LIBRARY_FILES, Stream

_POINTER, _WHOLE, _SINGLE, _BITS = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float, ctypes.c_uint64


@cache
def _library() -> ctypes.CDLL:
    loops = ctypes.CDLL(str(next(filter(Path.exists, LIBRARY_FILES))))
    common = (_POINTER, _WHOLE, _POINTER, _POINTER, _WHOLE, _WHOLE, _SINGLE, _SINGLE)
    loops.write_normal.argtypes = [*common, _SINGLE, _SINGLE, _BITS, _BITS, _BITS, _POINTER]
    loops.write_signs.argtypes = [*common, _SINGLE, _BITS, _BITS, _BITS]
    loops.write_normal.restype = loops.write_signs.restype = None
    return loops


def write_(
    out: Float[Tensor, " numbers"],
    stream: Stream,
    *,
    base: Float[Tensor, " base"] | None,
    alpha: float,
    decay: float,
    places: Gaps | None,
    rounded: bool,
) -> None:
    """Do :func:`mazo.zeroth_order.write.write_` for float32 numbers, without Python's lock."""
    loops = _library()
    assert out.is_contiguous() and (base is None or base.is_contiguous())
    held = None if base is None else base.data_ptr()
    there = (None, 0, 0) if places is None else (places.steps.ctypes.data, places.steps.itemsize, places.before)
    common = out.data_ptr(), stream.size, held, *there, alpha, decay
    key = stream.key & (2**64 - 1), stream.key >> 64
    if stream.signs:
        unit = torch.tensor(stream.scale) * torch.tensor(stream.coefficient)
        loops.write_signs(*common, unit.item(), *key, stream.start // 256)
    else:
        factors = stream.scale, stream.coefficient
        loops.write_normal(*common, *factors, *key, stream.start // 16, normal_quantiles().data_ptr())
