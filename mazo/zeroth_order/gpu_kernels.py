"""Passes over weights on a GPU: what one launch of Triton's kernel, or one a kind of tensor, is given."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
import triton
import triton.language as tl
from jaxtyping import Float, Float32, Shaped, UInt64
from torch import Tensor

from mazo.gaps import DeviceGaps
from mazo.zeroth_order.distributions import normal_quantiles
from mazo.zeroth_order.gpu_program import Row, write_
from mazo.zeroth_order.targets import Factors, Places, Stretch, Target

NUMBERS = {True: 256, False: 16}
"""Signs and normal numbers of a block of four integers."""


class _Program(NamedTuple):
    """What one program makes, and the warps that do it: the fastest of those tried on an H200 [measured]."""

    blocks: int
    num_warps: int


PROGRAMS = {
    (False, False): _Program(64, 1),
    (False, True): _Program(64, 1),
    (True, False): _Program(32, 2),
    (True, True): _Program(16, 4),
}
"""By whether the numbers are signs, and whether they are scattered."""


class _Kind(NamedTuple):
    """What the kernel is compiled for: targets of one kind are written in one launch."""

    out_type: tl.dtype
    base_type: tl.dtype | None
    steps_type: tl.dtype | None
    moves: bool
    even: bool
    """Whether addresses and sizes are multiples of 16."""
    wide: bool
    """Whether places need 64 bits."""

    def program(self, signs: bool) -> _Program:
        """Return what a program makes."""
        return PROGRAMS[signs, self.steps_type is not None]


class _Launch(NamedTuple):
    """The stretches of one kind, laid out on the device."""

    kind: _Kind
    rows: Tensor
    owners: Tensor
    """Which row each program works on."""
    befores: Tensor | None
    """The place before each program's first, where numbers are scattered."""


class Pass:
    """Numbers of directions written to weights in one launch, or one for each kind of tensor.

    :param stretches: Where to, on one device; no two may share memory.
    :param signs: Whether the numbers are signs.
    """

    def __init__(self, stretches: Sequence[Stretch], *, signs: bool) -> None:
        self._signs, self._device = signs, stretches[0].target.out.device
        self._held = list(stretches)  # and so is the memory that the addresses are of
        by_kind: dict[_Kind, list[Stretch]] = defaultdict(list)
        for stretch in stretches:
            by_kind[_kind(stretch)].append(stretch)
        self._launches = [self._launch(kind, group) for kind, group in by_kind.items()]

    def _launch(self, kind: _Kind, group: Sequence[Stretch]) -> _Launch:
        numbers = kind.program(self._signs).blocks * NUMBERS[self._signs]
        rows, befores, programs = [], [], [0]
        for tensor, start, size, target in group:
            rows.append(Row(*_addresses(target), size, start, tensor, programs[-1]))
            programs.append(programs[-1] + triton.cdiv(size, numbers))
            if target.places is not None:
                befores.append(_befores(target.places, each=numbers))
        owners = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(programs))
        before = self._sent(np.concatenate(befores)) if befores else None
        return _Launch(kind, self._sent(np.array(rows, np.int64)), self._sent(owners), before)

    def write_(
        self, keys: UInt64[np.ndarray, "tensors 2"], alphas: Float32[np.ndarray, " tensors"], factors: Factors
    ) -> None:
        """Do :meth:`mazo.zeroth_order.cpu_kernels.Pass.write_` in float32, rounded once, without waiting for it."""
        given = self._sent(np.concatenate([keys.view(np.uint8).ravel(), alphas.view(np.uint8)]))
        on_device = given.split([keys.nbytes, alphas.nbytes])
        data = on_device[0].view(torch.int64), on_device[1].view(torch.float32)
        upper = None if self._signs else _upper_quantiles(self._device)
        with torch.cuda.device_of(given):
            for kind, rows, owners, befores in self._launches:
                write_[(len(owners),)](
                    rows,
                    owners,
                    befores,
                    *data,
                    upper,
                    factors.scale,
                    factors.coefficient,
                    factors.decay,
                    factors.back,
                    **kind._asdict(),
                    scaled=factors.scale != 1 or factors.coefficient != 1,
                    rounded=factors.rounded and kind.moves,
                    decays=factors.decay != 0,
                    returns=factors.back != 0 and kind.moves,
                    signs=self._signs,
                    **kind.program(self._signs)._asdict(),
                    enable_fp_fusion=False,
                )

    def _sent(self, numbers: Shaped[np.ndarray, "..."]) -> Shaped[Tensor, "..."]:
        """Send numbers to the device, without waiting for it."""
        here = torch.from_numpy(numbers)
        return here if self._device.type == "cpu" else here.pin_memory().to(self._device, non_blocking=True)


@cache
def _upper_quantiles(device: torch.device) -> Float[Tensor, "32768"]:
    """Return the upper half of the table of normal numbers: 128 KiB, which a GPU's first cache can hold."""
    return normal_quantiles()[32_768:].to(device)


TYPES = {
    torch.float32: tl.float32,
    torch.bfloat16: tl.bfloat16,
    torch.float16: tl.float16,
    torch.uint8: tl.uint8,
    torch.uint16: tl.uint16,
    torch.uint32: tl.uint32,
    torch.uint64: tl.uint64,
}


def can_write(target: Target) -> bool:
    """Tell whether the kernel can: numbers of 16 or 32 bits."""
    return all(tensor is None or tensor.dtype in TYPES for tensor in (target.out, target.base))


def _steps(places: Places) -> Tensor:
    return places.steps if isinstance(places, DeviceGaps) else torch.from_numpy(places.steps)


def _addresses(target: Target) -> tuple[int, int, int]:
    base = 0 if target.base is None else target.base.data_ptr()
    return target.out.data_ptr(), base, 0 if target.places is None else _steps(target.places).data_ptr()


def _kind(stretch: Stretch) -> _Kind:
    out, base, places, _ = stretch.target
    assert out.is_contiguous() and (base is None or base.is_contiguous())
    return _Kind(
        out_type=TYPES[out.dtype],
        base_type=None if base is None else TYPES[base.dtype],
        steps_type=None if places is None else TYPES[_steps(places).dtype],
        moves=stretch.target.moves,
        even=all(number % 16 == 0 for number in (*_addresses(stretch.target), stretch.size)),
        wide=out.numel() >= 2**31,
    )


def _befores(places: Places, *, each: int) -> np.ndarray:
    """Return the place before every so many."""
    gaps = places.gaps if isinstance(places, DeviceGaps) else places
    sums = np.add.reduceat(gaps.steps, np.arange(0, len(gaps), each), dtype=np.int64)
    return gaps.before + np.cumsum(sums) - sums
