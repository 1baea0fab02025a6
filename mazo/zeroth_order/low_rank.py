"""Directions of low rank for matrices."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.seeding import stream_key
from mazo.zeroth_order.distributions import gaussian


@dataclass(frozen=True)
class LowRank:
    r"""The factors of LOZO's directions.

    Chen et al., "Enhancing Zeroth-Order Fine-Tuning for Language Models with Low-Rank Structures", ICLR 2025.

    .. math:: Z = U V^\top / \sqrt r, \qquad U \in \mathbb{R}^{m \times r}, \; V \in \mathbb{R}^{n \times r}

    - U and V are normal; U is drawn in every step and V once in ``period`` steps;
    - the root makes E[z z'] = I, as for every direction. LOZO moves by :math:`\epsilon U V^\top` and steps along
      :math:`U V^\top / r`: the same estimate, with its eps the present one over :math:`\sqrt r` [derived].

    Parameters that are no matrix take a normal direction.

    :param shapes: Shape of every tensor.
    :param rank: Rank r.
    :param period: Steps for which V stays.
    """

    shapes: Mapping[str, tuple[int, ...]]
    rank: int
    period: int

    def covers(self, name: str) -> bool:
        """Tell whether a tensor is a matrix."""
        return len(self.shapes[name]) == 2

    def draw(self, name: str, *, run_seed: int, step: int, index: int) -> Float[Tensor, " numbers"]:
        """Draw a matrix's numbers, row after row."""
        rows, columns = self.shapes[name]
        left = gaussian(stream_key(run_seed, "direction", step, index, name), rows * self.rank).view(self.rank, rows)
        key = stream_key(run_seed, "direction, right", step // self.period, index, name)
        right = gaussian(key, columns * self.rank).view(self.rank, columns)
        # Rounded products added in order have the same bits on every machine; a matrix product has not.
        total = torch.outer(left[0], right[0])
        for u, v in zip(left[1:], right[1:], strict=True):
            total.add_(torch.outer(u, v))
        return total.mul_(1 / math.sqrt(self.rank)).flatten()
