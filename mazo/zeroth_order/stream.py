"""Numbers of a direction that lie in no memory: a GPU makes them where they are used, the same as the CPU draws."""

from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec

import torch
from jaxtyping import Float, Int
from torch import Tensor


@cache
def makes_numbers(device: torch.device) -> bool:
    """Tell whether numbers wanted on a device are made there: on a GPU, where Triton is installed."""
    return device.type == "cuda" and find_spec("triton") is not None


@dataclass(frozen=True)
class Stream:
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
        return replace(self, coefficient=coefficient)

    def write_(
        self,
        out: Tensor,
        *,
        base: Float[Tensor, " size"] | None = None,
        alpha: float = 1.0,
        decay: float = 0.0,
        places: Int[Tensor, " size"] | None = None,
        rounded: bool = False,
    ) -> None:
        r"""Write z, or :math:`b + \alpha (z + \text{decay} \cdot b)` where there is a base b.

        Computed in float32 with fused multiplications and additions, as torch's kernels do, and rounded once to the
        type of ``out``, which may be the base itself.

        :param places: Where in ``out`` each number goes; one after the other if ``None``.
        :param rounded: Whether z is rounded to the type of ``out`` first.
        """
        from mazo.zeroth_order.kernels import write_  # imports Triton, which need not be installed

        write_(out, self, base=base, alpha=alpha, decay=decay, places=places, rounded=rounded)


Numbers = Float[Tensor, " numbers"] | Stream
"""Numbers of a direction, in memory or not."""


def in_memory(numbers: Numbers) -> Float[Tensor, " numbers"]:
    """Return numbers as a tensor."""
    if isinstance(numbers, Tensor):
        return numbers
    out = torch.empty(numbers.size, device=numbers.device)
    numbers.write_(out)
    return out


def times_(numbers: Numbers, coefficient: float) -> Numbers:
    """Return numbers times a coefficient; a tensor is overwritten."""
    return numbers.times(coefficient) if isinstance(numbers, Stream) else numbers.mul_(coefficient)


def add_(total: Float[Tensor, " numbers"], numbers: Numbers, *, alpha: float) -> None:
    """Add alpha times some numbers to a total."""
    if isinstance(numbers, Stream):
        numbers.write_(total, base=total, alpha=alpha)
    else:
        total.add_(numbers, alpha=alpha)
