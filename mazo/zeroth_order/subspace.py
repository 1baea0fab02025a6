"""Directions inside random subspaces of matrices."""

import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.seeding import stream_key
from mazo.zeroth_order.distributions import gaussian
from mazo.zeroth_order.factored import Factored, Product


@dataclass(frozen=True)
class Subspace(Factored):
    r"""SubZero's directions.

    Yu et al., "Zeroth-Order Fine-Tuning of LLMs in Random Subspaces", ICCV 2025 (arXiv 2410.08989).

    .. math:: \tilde Z = \sqrt{m n / (r r')} \; U Z V^\top, \qquad U \in \mathbb{R}^{m \times r}, \;
        Z \in \mathbb{R}^{r \times r'}, \; V \in \mathbb{R}^{n \times r'}

    - U and V have orthonormal columns, the Q factors of normal matrices, drawn once in ``period`` steps; Z is normal
      and drawn in every step (SubZero's paper);
    - r = min(rank, m) and r' = min(rank, n): the subspace of a side shorter than the rank is all of it [derived];
    - the root makes E[z z'] = I over U, V and Z, as for every direction: the squared norm is m n on average, a normal
      direction's. The released code has it too; without it the size of the step would hang on a matrix's shape.

    Deviations: a matrix is taken as it is (the released code reshapes the factors of an adapter to near squares first);
    each of several directions in a step has its own subspace.

    The numbers have the same bits on every machine, whatever order its library adds in, for both products are exact in
    float64: all factors are multiples of 2^-20, so products of two are multiples of 2^-40, and no sum of them reaches
    2^13, which would take a 54th bit. Rows of U and V are at most 1 long and entries of Z at most 4.325, so sums are at
    most 4.325 sqrt(r r') long: up to rank 1,893 [derived].

    U and V are kept between the draws of a period, (m + n) r numbers a matrix and direction.
    """

    _bases: dict[tuple[str, int], tuple[tuple[int, int], Tensor, Tensor]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def draw(self, name: str, *, run_seed: int, step: int, index: int) -> Product:
        """Draw Z; make U Z, and V."""
        rows, columns = self.shapes[name]
        left, right = self._basis(name, run_seed=run_seed, period=step // self.period, index=index)
        inner = left.shape[1] * right.shape[1]
        core = gaussian(stream_key(run_seed, "direction", step, index, name), inner).double()
        side = _on_grid(left.double() @ core.view(left.shape[1], right.shape[1]))
        return Product(side, right.double(), math.sqrt(rows * columns / inner))

    @staticmethod
    def multiply(left: Float[Tensor, "m r"], right: Float[Tensor, "n r"]) -> Float[Tensor, "m n"]:
        """Multiply; a sum of 0 is +0.0 whatever order it was added in."""
        return (left @ right.T).add_(0.0)

    def _basis(self, name: str, *, run_seed: int, period: int, index: int) -> tuple[Tensor, Tensor]:
        kept = self._bases.get((name, index))
        if kept is None or kept[0] != (run_seed, period):
            left, right = (
                orthonormal(
                    stream_key(run_seed, f"direction, {side}", period, index, name),
                    rows=length,
                    columns=min(self.rank, length),
                )
                for side, length in zip(("left", "right"), self.shapes[name], strict=True)
            )
            kept = self._bases[name, index] = (run_seed, period), left, right
        return kept[1:]


def orthonormal(key: int, *, rows: int, columns: int) -> Float[Tensor, "rows columns"]:
    """Draw a matrix with orthonormal columns, uniform among such: the Q factor of a normal matrix.

    Its numbers are rounded to multiples of 2^-20, far coarser than what two machines' factorisations differ by; of Q's
    two possible signs a column takes the one with a positive diagonal in R.
    """
    q, r = torch.linalg.qr(gaussian(key, rows * columns).double().view(rows, columns))
    return _on_grid(q * r.diagonal().sign()).float()


def _on_grid(numbers: Tensor) -> Tensor:
    return (numbers * 2**20).round() / 2**20
