"""Triton's kernel that makes directions' numbers on a GPU and adds them to weights, in one pass over all of them.

The integers are Philox4x64-10's, the numbers the table's or the bits': those of :mod:`mazo.zeroth_order.philox` and
:mod:`mazo.zeroth_order.distributions`, bit for bit.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, no_type_check

import numpy as np
import torch
import triton
import triton.language as tl
from jaxtyping import Float, Float32, Shaped, UInt64
from torch import Tensor

from mazo.gaps import DeviceGaps
from mazo.zeroth_order.distributions import normal_quantiles
from mazo.zeroth_order.targets import Factors, Places, Stretch, Target

MULTIPLIER_0, MULTIPLIER_1 = tl.constexpr(0xD2E7470EE14C6C93), tl.constexpr(0xCA5A826395121157)
WEYL_0, WEYL_1 = tl.constexpr(0x9E3779B97F4A7C15), tl.constexpr(0xBB67AE8584CAA73B)

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


@triton.jit
@no_type_check
def _words(key_low: tl.tensor, key_high: tl.tensor, first_block: tl.tensor, blocks: tl.constexpr) -> tl.tensor:
    """Return the integers of some blocks in the stream's order, four a block."""
    x0 = first_block + 1 + tl.arange(0, blocks).to(tl.uint64)
    x1 = tl.zeros([blocks], tl.uint64)
    x2, x3 = x1, x1
    for _ in tl.static_range(10):
        low_0, high_0 = x0 * MULTIPLIER_0, tl.umulhi(x0, MULTIPLIER_0)
        low_1, high_1 = x2 * MULTIPLIER_1, tl.umulhi(x2, MULTIPLIER_1)
        x0, x1, x2, x3 = high_1 ^ x1 ^ key_low, low_1, high_0 ^ x3 ^ key_high, low_0
        key_low += WEYL_0
        key_high += WEYL_1
    return tl.reshape(tl.join(tl.join(x0, x2), tl.join(x1, x3)), [4 * blocks])


@triton.jit
@no_type_check
def _pieces(words: tl.tensor, bits: tl.constexpr) -> tl.tensor:
    """Cut 64-bit integers into shorter ones, the low bits of each first."""
    shifts = tl.arange(0, 64 // bits).to(tl.uint64) * bits
    pieces = (words[:, None] >> shifts[None, :]) & ((1 << bits) - 1)
    return tl.reshape(pieces, [words.shape[0] * (64 // bits)]).to(tl.int32)


@triton.jit
@no_type_check
def _normal(words: tl.tensor, upper: tl.tensor) -> tl.tensor:
    """Look normal numbers up in the table's upper half, of which the lower is the mirror image."""
    index = _pieces(words, 16)
    lower = (index >> 15) - 1  # all bits set in the lower half, none in the upper
    size = tl.load(upper + ((index ^ lower) & 32767))
    return (size.to(tl.int32, bitcast=True) ^ (lower & -2147483648)).to(tl.float32, bitcast=True)


@triton.jit
@no_type_check
def _write(
    rows: tl.tensor,
    owners: tl.tensor,
    befores: tl.tensor,
    keys: tl.tensor,
    alphas: tl.tensor,
    upper: tl.tensor,
    scale: tl.tensor,
    coefficient: tl.tensor,
    decay: tl.tensor,
    back: tl.tensor,
    out_type: tl.constexpr,
    base_type: tl.constexpr,
    steps_type: tl.constexpr,
    moves: tl.constexpr,
    even: tl.constexpr,
    wide: tl.constexpr,
    scaled: tl.constexpr,
    rounded: tl.constexpr,
    decays: tl.constexpr,
    returns: tl.constexpr,
    signs: tl.constexpr,
    blocks: tl.constexpr,
) -> None:
    """Write what :meth:`Pass.write_` says, a few numbers of one stretch a program; the rows are :class:`_Row`'s."""
    program = tl.program_id(0)
    row = rows + tl.load(owners + program).to(tl.int64) * 7
    size, start, tensor = tl.load(row + 3), tl.load(row + 4), tl.load(row + 5)
    out = tl.load(row).to(tl.pointer_type(out_type))
    if even:
        # Then 16 bytes can be read and written at once.
        out, size = tl.multiple_of(out, 16), tl.multiple_of(size, 16)
    numbers: tl.constexpr = blocks * (256 if signs else 16)
    first = (program - tl.load(row + 6)) * numbers
    low, high = tl.load(keys + 2 * tensor), tl.load(keys + 2 * tensor + 1)
    low, high = low.to(tl.uint64, bitcast=True), high.to(tl.uint64, bitcast=True)
    words = _words(low, high, (start + first) // (numbers // blocks), blocks)
    z = (_pieces(words, 1) * 2 - 1).to(tl.float32) if signs else _normal(words, upper)
    if scaled:
        z = z * scale
    place = first + tl.arange(0, numbers)
    mine = place < size
    where = place
    if steps_type is not None:
        begin = tl.load(row + 2).to(tl.pointer_type(steps_type))
        if even:
            begin = tl.multiple_of(begin, 16)
        steps = tl.load(begin + place, mask=mine, other=0)
        where = tl.load(befores + program) + tl.cumsum(steps.to(tl.int64 if wide else tl.int32)).to(tl.int64)
    update = z * coefficient if scaled else z
    if base_type is not None:
        base = tl.load(row + 1).to(tl.pointer_type(base_type))
        if even:
            base = tl.multiple_of(base, 16)
        alpha = tl.load(alphas + tensor)
        theta = tl.load(base + (where if moves else place), mask=mine).to(tl.float32)
        if returns:
            theta = tl.fma(z.to(out_type).to(tl.float32), back, theta).to(out_type).to(tl.float32)
        if rounded:
            update = update.to(out_type).to(tl.float32)
        if decays:
            update = tl.fma(theta, decay, update)
        update = tl.fma(update, alpha, theta)
    tl.store(out + where, update.to(out_type), mask=mine)


class _Row(NamedTuple):
    """What a stretch is to the kernel, 64 bits each; the first three are addresses."""

    out: int
    base: int
    steps: int
    size: int
    start: int
    tensor: int
    first_program: int


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
            rows.append(_Row(*_addresses(target), size, start, tensor, programs[-1]))
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
                _write[(len(owners),)](
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
