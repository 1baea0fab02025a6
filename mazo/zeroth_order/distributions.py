"""From random integers to random numbers: what a direction's coordinates are drawn from."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mazo.zeroth_order.philox import random_words, split_words

Distribution = Callable[[int, int], Float[Tensor, " numbers"]]


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


def gaussian(key: int, numbers: int) -> Float[Tensor, " numbers"]:
    """Draw standard normal numbers, 16 bits of the stream each (paper's direction [paper]; the table is ours)."""
    quarters = split_words(random_words(key, -(-numbers // 4)), np.uint16)[:numbers]
    # mode="clip" skips numpy's check of the indices, which a 16-bit integer cannot fail, and halves the time.
    return torch.from_numpy(normal_quantiles().numpy().take(quarters, mode="clip"))


def rademacher(key: int, numbers: int) -> Float[Tensor, " numbers"]:
    """Draw -1 or +1 with equal chance, one bit of the stream each."""
    octets = split_words(random_words(key, -(-numbers // 64)), np.uint8)
    bits = np.unpackbits(octets, count=numbers, bitorder="little")
    return torch.from_numpy(bits).float().mul_(2).sub_(1)
