"""The loops of ``cpu_kernels.c``, compiled as the package is installed: a direction made and added in one pass.

An installation without a C compiler lacks them; torch then adds numbers that numpy draws. The bits are the same where
torch fuses multiplications and additions, as it does on processors that can.
"""

import ctypes
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from mazo.gaps import Gaps
from mazo.zeroth_order.distributions import normal_quantiles
from mazo.zeroth_order.stream import Stream

LIBRARY_FILES = [Path(__file__).with_name(f"_cpu_kernels{suffix}") for suffix in EXTENSION_SUFFIXES]
"""Where the library may be."""

_POINTER, _WHOLE, _SINGLE, _BITS = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float, ctypes.c_uint64


@cache
def library() -> ctypes.CDLL | None:
    """Load the loops; ``None`` where the package has none, or those of an earlier state of the source."""
    place = (_POINTER, _WHOLE, _POINTER, _POINTER, _WHOLE, _WHOLE)
    common = (*place, _SINGLE, _SINGLE, _SINGLE, _SINGLE, _BITS, _BITS, _BITS)
    for file in filter(Path.exists, LIBRARY_FILES):
        try:
            loops = ctypes.CDLL(str(file))
            loops.write_normal_2.argtypes = [*common, _POINTER]
            loops.write_signs_2.argtypes = [*common]
        except (OSError, AttributeError):
            continue
        loops.write_normal_2.restype = loops.write_signs_2.restype = None
        return loops
    return None


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
    loops = library()
    assert loops is not None
    assert out.is_contiguous() and (base is None or base.is_contiguous())
    held = None if base is None else base.data_ptr()
    there = (None, 0, 0) if places is None else (places.address, places.steps.itemsize, places.before)
    factors = alpha, decay, stream.scale, stream.coefficient
    common = out.data_ptr(), stream.size, held, *there, *factors, stream.key & (2**64 - 1), stream.key >> 64
    if stream.signs:
        loops.write_signs_2(*common, stream.start // 256)
    else:
        table = normal_quantiles()  # held until the call is over
        loops.write_normal_2(*common, stream.start // 16, table.data_ptr())
