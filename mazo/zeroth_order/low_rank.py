"""Directions of low rank for matrices."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.seeding import stream_key
from mazo.zeroth_order.distributions import gaussian
from mazo.zeroth_order.factored import Factored, Product


class LowRank(Factored):
    r"""LOZO's directions.

    Chen et al., "Enhancing Zeroth-Order Fine-Tuning for Language Models with Low-Rank Structures", ICLR 2025.

    .. math:: Z = U V^\top / \sqrt r, \qquad U \in \mathbb{R}^{m \times r}, \; V \in \mathbb{R}^{n \times r}

    - U and V are normal; U is drawn in every step and V once in ``period`` steps;
    - the root makes E[z z'] = I, as for every direction. LOZO moves by :math:`\epsilon U V^\top` and steps along
      :math:`U V^\top / r`: the same estimate, with its eps the present one over :math:`\sqrt r` [derived].
    """

    def draw(self, name: str, *, run_seed: int, step: int, index: int) -> Product:
        """Draw U and V."""
        rows, columns = self.shapes[name]
        left = gaussian(stream_key(run_seed, "direction", step, index, name), rows * self.rank)
        key = stream_key(run_seed, "direction, right", step // self.period, index, name)
        right = gaussian(key, columns * self.rank)
        return Product(left.view(self.rank, rows).T, right.view(self.rank, columns).T, 1 / math.sqrt(self.rank))

    @staticmethod
    def multiply(left: Float[Tensor, "m r"], right: Float[Tensor, "n r"]) -> Float[Tensor, "m n"]:
        """Add rounded products in order: a matrix product has other bits on another machine."""
        total = torch.outer(left[:, 0], right[:, 0])
        for u, v in zip(left.T[1:], right.T[1:], strict=True):
            total.add_(torch.outer(u, v))
        return total
