"""Triton's kernel that makes a direction's numbers on a GPU and adds them to weights in one pass.

The integers are Philox4x64-10's, the numbers the table's or the bits': those of :mod:`mazo.zeroth_order.philox` and
:mod:`mazo.zeroth_order.distributions`, bit for bit.
"""

from functools import cache
from typing import no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Float, Int
from torch import Tensor

from mazo.zeroth_order.distributions import normal_quantiles
from mazo.zeroth_order.stream import Stream

MULTIPLIER_0, MULTIPLIER_1 = tl.constexpr(0xD2E7470EE14C6C93), tl.constexpr(0xCA5A826395121157)
WEYL_0, WEYL_1 = tl.constexpr(0x9E3779B97F4A7C15), tl.constexpr(0xBB67AE8584CAA73B)

NUMBERS = {True: 256, False: 16}
"""Signs and normal numbers of a block of four integers."""
BLOCKS = {True: 16, False: 128}
"""Blocks of integers that one program makes."""


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
    is_upper = index >= 32768
    size = tl.load(upper + (tl.where(is_upper, index, ~index) & 32767))
    return tl.where(is_upper, size, -size)


@triton.jit(do_not_specialize=["key_low", "key_high", "first_block"])
@no_type_check
def _write(
    out: tl.tensor,
    base: tl.tensor,
    places: tl.tensor,
    upper: tl.tensor,
    key_low: tl.uint64,
    key_high: tl.uint64,
    first_block: tl.uint64,
    size: tl.tensor,
    scale: tl.tensor,
    coefficient: tl.tensor,
    alpha: tl.tensor,
    decay: tl.tensor,
    signs: tl.constexpr,
    decays: tl.constexpr,
    rounded: tl.constexpr,
    there: tl.constexpr,
    blocks: tl.constexpr,
) -> None:
    """Write what :func:`mazo.zeroth_order.write.write_` says; ``base`` and ``places`` may be ``None``."""
    program = tl.program_id(0)
    first = first_block.to(tl.uint64) + program.to(tl.uint64) * blocks
    words = _words(key_low.to(tl.uint64), key_high.to(tl.uint64), first, blocks)
    z = (_pieces(words, 1) * 2 - 1).to(tl.float32) if signs else _normal(words, upper)
    z = z * scale * coefficient
    if rounded:
        z = z.to(out.dtype.element_ty).to(tl.float32)
    # 64 bits: an embedding may have more than 2^31 numbers.
    place = program.to(tl.int64) * z.shape[0] + tl.arange(0, z.shape[0])
    mine = place < size
    where = place
    if places is not None:
        where = tl.load(places + place, mask=mine).to(tl.int64)
    if base is not None:
        theta = tl.load(base + (where if there else place), mask=mine).to(tl.float32)
        if decays:
            z = tl.fma(theta, decay, z)
        z = tl.fma(z, alpha, theta)
    tl.store(out + where, z.to(out.dtype.element_ty), mask=mine)


@cache
def _upper_quantiles(device: torch.device) -> Float[Tensor, "32768"]:
    """Return the upper half of the table of normal numbers: 128 KiB, which a GPU's first cache can hold."""
    return normal_quantiles()[32_768:].to(device)


def write_(
    out: Tensor,
    stream: Stream,
    *,
    base: Float[Tensor, " base"] | None,
    alpha: float,
    decay: float,
    places: Int[Tensor, " size"] | None,
    rounded: bool,
) -> None:
    """Do :func:`mazo.zeroth_order.write.write_` in one launch, without waiting for it."""
    blocks, numbers = BLOCKS[stream.signs], NUMBERS[stream.signs]
    with torch.cuda.device_of(out):
        _write[(triton.cdiv(stream.size, blocks * numbers),)](
            out,
            base,
            places,
            None if stream.signs else _upper_quantiles(stream.device),
            stream.key & (2**64 - 1),
            stream.key >> 64,
            stream.start // numbers,
            stream.size,
            stream.scale,
            stream.coefficient,
            alpha,
            decay,
            signs=stream.signs,
            decays=decay != 0,
            rounded=rounded,
            there=base is out,
            blocks=blocks,
            enable_fp_fusion=False,
        )
