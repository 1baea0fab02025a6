"""The loops of ``cpu_kernels.c``, compiled as the package is installed: directions made and added in one pass.

An installation without a C compiler lacks them; torch then adds numbers that numpy draws. The bits are the same where
torch fuses multiplications and additions, as it does on processors that can.
"""

import ctypes
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from struct import Struct

import numpy as np
import torch
from jaxtyping import Float32, UInt64

from mazo.gaps import DeviceGaps
from mazo.zeroth_order.distributions import normal_quantiles
from mazo.zeroth_order.targets import Factors, Stretch, Target

LIBRARY_FILES = [Path(__file__).with_name(f"_cpu_kernels{suffix}") for suffix in EXTENSION_SUFFIXES]
"""Where the library may be."""

_POINTER, _WHOLE, _SINGLE = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
_STRETCH = Struct("3P5q")
"""A ``stretch_t`` of the loops."""


@cache
def library() -> ctypes.CDLL | None:
    """Load the loops; ``None`` where the package has none, or those of an earlier state of the source."""
    common = (_POINTER, _WHOLE, _POINTER, _POINTER, _POINTER, _SINGLE, _SINGLE, _SINGLE, _SINGLE)
    for file in filter(Path.exists, LIBRARY_FILES):
        try:
            loops = ctypes.CDLL(str(file))
            loops.write_normal_3.argtypes = [*common, _POINTER]
            loops.write_signs_3.argtypes = [*common]
        except (OSError, AttributeError):
            continue
        loops.write_normal_3.restype = loops.write_signs_3.restype = None
        return loops
    return None


def can_write(target: Target) -> bool:
    """Tell whether the loops can: float32 to float32."""
    float32 = target.base is None or target.base.dtype == torch.float32
    return float32 and target.out.dtype == torch.float32 and library() is not None


class Pass:
    """Numbers of directions written to weights in one call.

    :param stretches: Where to; no two may share memory.
    :param signs: Whether the numbers are signs.
    """

    def __init__(self, stretches: Sequence[Stretch], *, signs: bool) -> None:
        self._held = list(stretches)  # and so is the memory that the addresses are of
        self._stretches = b"".join(_packed(stretch) for stretch in stretches)
        self._signs = signs

    def write_(
        self, keys: UInt64[np.ndarray, "tensors 2"], alphas: Float32[np.ndarray, " tensors"], factors: Factors
    ) -> None:
        r"""Write what :class:`mazo.zeroth_order.targets.Factors` says, on as many threads as torch uses.

        Without Python's lock.

        :param keys: 128-bit key of each tensor's numbers z, the low half first.
        :param alphas: Each tensor's :math:`\alpha`.
        """
        loops = library()
        assert loops is not None
        assert keys.flags.c_contiguous and alphas.flags.c_contiguous
        table = () if self._signs else (normal_quantiles().data_ptr(),)
        write = loops.write_signs_3 if self._signs else loops.write_normal_3
        data = keys.ctypes.data, alphas.ctypes.data
        same = factors.decay, factors.back, factors.scale, factors.coefficient
        count, threads = len(self._held), min(torch.get_num_threads(), len(self._held))
        if threads == 1:
            write(self._stretches, count, None, *data, *same, *table)
            return
        next_one = ctypes.c_int64(0)
        given = self._stretches, count, ctypes.byref(next_one), *data, *same, *table
        others: list[Future[None]] = []
        try:
            with suppress(RuntimeError):  # no more threads to be had: those there are share the work
                for _ in range(threads - 1):
                    others.append(_pool(threads).submit(write, *given))
            write(*given)
        finally:
            wait(others)  # nothing may write any more once this has ended, however it ends


def _packed(stretch: Stretch) -> bytes:
    out, base, places, _ = stretch.target
    assert out.is_contiguous() and (base is None or base.is_contiguous()) and not isinstance(places, DeviceGaps)
    held = 0 if base is None else base.data_ptr()
    there = (0, 0, 0) if places is None else (places.steps.ctypes.data, places.steps.itemsize, places.before)
    return _STRETCH.pack(out.data_ptr(), held, *there, stretch.size, stretch.start, stretch.tensor)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="pass")


# A child has none of its parent's threads.
os.register_at_fork(after_in_child=_pool.cache_clear)
