"""Muon for the matrices of the embedded models, in float32: torch's own works in bfloat16, which is slow on a CPU."""

from collections import defaultdict
from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic Newton-Schulz iteration, as Muon's author published them (Jordan et al., 2024)."""


def orthogonalize(matrices: Float[Tensor, "n out in"], *, iterations: int = 5) -> Float[Tensor, "n out in"]:
    r"""Bring the singular values of each matrix near 1.

    .. math:: X \leftarrow a X + (b X X^\top + c (X X^\top)^2) X

    - :math:`a, b, c` are :data:`COEFFICIENTS`, and X starts as the matrix over its Frobenius norm.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(iterations):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x


class Muon:
    r"""Step each matrix along its orthogonalised Nesterov momentum.

    .. math:: W \leftarrow W - 0.2 \, \text{lr} \sqrt{\max(n_\text{out}, n_\text{in})} \; \text{orth}(g + \mu m)

    The factor gives updates Adam's usual size (Liu et al., 2025), so that one lr suits every shape.
    """

    def __init__(self, matrices: Iterable[nn.Parameter], *, momentum: float = 0.95) -> None:
        self._momentum = momentum
        self._groups: dict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
        for matrix in matrices:
            self._groups[tuple(matrix.shape)].append(matrix)
        self._moments = {shape: torch.zeros(len(group), *shape) for shape, group in self._groups.items()}

    @torch.no_grad()
    def step_(self, lr: float) -> None:
        """Step every matrix with its gradient."""
        for shape, group in self._groups.items():
            gradients = torch.stack([matrix.grad for matrix in group if matrix.grad is not None])
            moments = self._moments[shape].lerp_(gradients, 1 - self._momentum)
            updates = orthogonalize(gradients.lerp(moments, self._momentum))
            for matrix, update in zip(group, updates, strict=True):
                matrix.add_(update, alpha=-0.2 * lr * max(shape) ** 0.5)

    def state(self) -> dict[str, Tensor]:
        """Return the momentum, a tensor a shape of matrix."""
        return {f"muon.{shape[0]}x{shape[1]}": moments for shape, moments in self._moments.items()}

    def load_(self, tensors: dict[str, Tensor]) -> None:
        """Take up the momentum that :meth:`state` returned."""
        for name, moments in self.state().items():
            moments.copy_(tensors[name])
