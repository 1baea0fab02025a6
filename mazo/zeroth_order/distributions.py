"""From random integers to random numbers: what a direction's coordinates are drawn from."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mazo.zeroth_order.philox import random_words, split_words

DRAWN = 65_536
"""Numbers drawn at once: with the table that they are looked up in they fit a core's cache."""
BLOCK = 2**18
"""Numbers moved and stepped at once on the CPU: a megabyte where they must lie in memory."""
DEVICE_BLOCK = 2**24
"""Numbers used at once elsewhere: enough to be busy with, and 64 MiB where they must lie in memory."""

Fill = Callable[[Float[Tensor, " numbers"], int, int], None]
"""(out, key, start): write the stream's numbers from number ``start``, a multiple of 256, into a CPU tensor."""


@cache
def normal_quantiles() -> Float[Tensor, "65536"]:
    r"""Return the table that maps a 16-bit integer to a standard normal number.

    .. math:: q_i = c \, \Phi^{-1}((i + 1/2) / 65536)

    - :math:`\Phi` is the normal distribution function;
    - :math:`c` scales the table to variance 1 (without it: 0.99991); its mean is 0 by symmetry.

    Values are rounded to multiples of 2^-20, far coarser than any difference between two machines' :math:`\Phi^{-1}`,
    so the table has the same bits everywhere. The largest is 4.325 and the fourth moment 2.9992 (a normal's is 3).
    """
    upper = torch.special.ndtri((torch.arange(32_768, 65_536, dtype=torch.float64) + 0.5) / 65_536)
    upper /= upper.square().mean().sqrt()
    upper = (upper * 2**20).round() / 2**20
    return torch.cat([-upper.flip(0), upper]).float()


@cache
def byte_signs() -> Float[Tensor, "256 8"]:
    """Return the table that maps a byte to eight signs, its lowest bit first: +1 for a bit that is set."""
    octets = torch.arange(256)[:, None]
    return ((octets >> torch.arange(8)) & 1).float() * 2 - 1


def fill_gaussian_(out: Float[Tensor, " numbers"], key: int, start: int = 0) -> None:
    """Write standard normal numbers, 16 bits of the stream each (paper's direction [paper]; the table is ours)."""
    words = random_words(key, -(-len(out) // 4), first_block=start // 16)
    # mode="clip" skips numpy's check of the indices, which a 16-bit integer cannot fail, and halves the time.
    normal_quantiles().numpy().take(split_words(words, np.uint16)[: len(out)], mode="clip", out=out.numpy())


def fill_rademacher_(out: Float[Tensor, " numbers"], key: int, start: int = 0) -> None:
    """Write -1 or +1 with equal chance, one bit of the stream each."""
    octets = split_words(random_words(key, -(-len(out) // 64), first_block=start // 256), np.uint8)
    whole, rest = divmod(len(out), 8)
    signs, numbers = byte_signs().numpy(), out.numpy()
    signs.take(octets[:whole], axis=0, mode="clip", out=numbers[: 8 * whole].reshape(whole, 8))
    if rest:
        numbers[8 * whole :] = signs[octets[whole], :rest]


def draw_(out: Float[Tensor, " numbers"], fill: Fill, key: int, *, start: int = 0) -> Float[Tensor, " numbers"]:
    """Write the numbers of a stream from number ``start``, a multiple of 256, into a CPU tensor, and return it."""
    for place in range(0, len(out), DRAWN):
        fill(out[place : place + DRAWN], key, start + place)
    return out


def drawn(fill: Fill, key: int, numbers: int) -> Float[Tensor, " numbers"]:
    """Draw the first numbers of a stream."""
    return draw_(torch.empty(numbers), fill, key)


gaussian = partial(drawn, fill_gaussian_)
rademacher = partial(drawn, fill_rademacher_)
