"""Ascending positions, held as the steps from each to the next: a byte each where they lie close."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor


class Gaps:
    """Positions of some numbers of a longer list, ascending.

    :param steps: From each position to the next, as unsigned integers.
    :param before: What the first step begins at.
    """

    def __init__(self, steps: np.ndarray, before: int = 0) -> None:
        self.steps, self.before = steps, before
        self._known = 0, before  # how many of the steps have been summed, and to what

    @classmethod
    def of(cls, positions: Int[Tensor, " positions"]) -> "Gaps":
        """Hold positions, in the shortest integers that have room for the longest step.

        Raises ``ValueError`` for positions that do not ascend.
        """
        steps = np.diff(positions.cpu().numpy(), prepend=0)
        if (steps[:1] < 0).any() or (steps[1:] <= 0).any():
            raise ValueError("positions: wanted ascending ones")
        return cls(steps.astype(np.min_scalar_type(steps.max(initial=0)), copy=False))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.steps)

    def __getitem__(self, part: slice) -> "Gaps":
        """Return a stretch of them, in the same memory."""
        start, end, _ = part.indices(len(self))
        # One stretch after the other, as they are asked for, sums every step once.
        known, before = self._known if self._known[0] <= start else (0, self.before)
        self._known = start, before + int(self.steps[known:start].sum(dtype=np.int64))
        return Gaps(self.steps[start:end], self._known[1])

    @property
    def end(self) -> int:
        """One more than the last position."""
        return self.before + int(self.steps.sum(dtype=np.int64)) + (len(self) > 0)

    def positions(self) -> np.ndarray:
        """Return the positions themselves, in the integers that numpy takes for places."""
        places = np.cumsum(self.steps, dtype=np.intp)
        places += self.before
        return places


class DeviceGaps:
    """Positions on another device, held as there.

    :param gaps: The positions, which stay held here too.
    :param steps: From each to the next, on the device; sent there if ``None``.
    """

    def __init__(self, gaps: Gaps, device: torch.device, steps: Tensor | None = None) -> None:
        self.gaps = gaps
        self.steps = torch.from_numpy(gaps.steps).to(device) if steps is None else steps

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.gaps)

    def __getitem__(self, part: slice) -> "DeviceGaps":
        """Return a stretch of them, in the same memory."""
        return DeviceGaps(self.gaps[part], self.steps.device, self.steps[part])

    def positions(self) -> Int[Tensor, " positions"]:
        """Return the positions themselves."""
        return self.steps.long().cumsum(0).add_(self.gaps.before)


class GapsByName(Mapping[str, Tensor]):
    """Positions by tensor, in a fraction of their memory: worked out anew whenever they are looked up.

    :param gaps: The positions in each tensor.
    """

    def __init__(self, gaps: Mapping[str, Gaps]) -> None:
        self.gaps = gaps

    def __getitem__(self, name: str) -> Int[Tensor, " positions"]:
        """Return the positions in a tensor."""
        return torch.from_numpy(self.gaps[name].positions())

    def __contains__(self, name: object) -> bool:
        """Tell whether there are positions in a tensor, without working them out."""
        return name in self.gaps

    def __iter__(self) -> Iterator[str]:
        """Go through the tensors' names."""
        return iter(self.gaps)

    def __len__(self) -> int:
        """Return how many tensors there are."""
        return len(self.gaps)
