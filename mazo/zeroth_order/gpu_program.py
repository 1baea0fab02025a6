"""The program that Triton compiles: it makes some numbers of a direction on a GPU and adds them to weights.

The integers are Philox4x64-10's, the numbers the table's or the bits': those of :mod:`mazo.zeroth_order.philox` and
:mod:`mazo.zeroth_order.distributions`, bit for bit.
"""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

MULTIPLIER_0, MULTIPLIER_1 = tl.constexpr(0xD2E7470EE14C6C93), tl.constexpr(0xCA5A826395121157)
WEYL_0, WEYL_1 = tl.constexpr(0x9E3779B97F4A7C15), tl.constexpr(0xBB67AE8584CAA73B)


class Row(NamedTuple):
    """What a stretch is to the program, 64 bits each; the first three are addresses."""

    out: int
    base: int
    steps: int
    size: int
    start: int
    tensor: int
    first_program: int


OUT, BASE, STEPS, SIZE, START, TENSOR, FIRST_PROGRAM, LENGTH = map(tl.constexpr, range(len(Row._fields) + 1))
"""Where a row's fields are, and where the next row begins."""


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
def write_(
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
    """Write a few numbers of one stretch, a :class:`Row`, as :meth:`mazo.zeroth_order.gpu_kernels.Pass.write_` says."""
    program = tl.program_id(0)
    row = rows + tl.load(owners + program).to(tl.int64) * LENGTH
    size, start, tensor = tl.load(row + SIZE), tl.load(row + START), tl.load(row + TENSOR)
    out = tl.load(row + OUT).to(tl.pointer_type(out_type))
    if even:
        # Then 16 bytes can be read and written at once.
        out, size = tl.multiple_of(out, 16), tl.multiple_of(size, 16)
    numbers: tl.constexpr = blocks * (256 if signs else 16)
    first = (program - tl.load(row + FIRST_PROGRAM)) * numbers
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
        begin = tl.load(row + STEPS).to(tl.pointer_type(steps_type))
        if even:
            begin = tl.multiple_of(begin, 16)
        steps = tl.load(begin + place, mask=mine, other=0)
        where = tl.load(befores + program) + tl.cumsum(steps.to(tl.int64 if wide else tl.int32)).to(tl.int64)
    update = z * coefficient if scaled else z
    if base_type is not None:
        base = tl.load(row + BASE).to(tl.pointer_type(base_type))
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
