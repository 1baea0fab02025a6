"""Numbers of a direction that lie in no memory: they are made where they are used, the same on every device."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Stream(NamedTuple):
    """Consecutive numbers of a direction, each times two factors, rounded to float32 after each.

    :param signs: Whether they are signs; normal numbers otherwise.
    :param key: 128-bit key of the random integers.
    :param start: Which of the key's numbers is the first, a multiple of 256.
    :param size: How many.
    :param device: Where they are wanted.
    :param scale: What makes the direction of them.
    :param coefficient: What the direction is multiplied by.
    """

    signs: bool
    key: int
    start: int
    size: int
    device: torch.device
    scale: float = 1.0
    coefficient: float = 1.0

    def times(self, coefficient: float) -> "Stream":
        """Return the direction times a coefficient, in place of the one that it has."""
        return self._replace(coefficient=coefficient)


Numbers = Float[Tensor, " numbers"] | Stream
"""Numbers of a direction, in memory or not."""
