"""The Hessian that all rows of a linear layer share, from the layer's inputs."""

import torch
from jaxtyping import Float
from torch import Tensor


class SecondMoment:
    """The sum of w x x' over tokens.

    :param size: Inputs of the layer.
    :param dtype: float32, or float64 for a float64 model.
    """

    def __init__(self, size: int, *, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self._sum = torch.zeros(size, size, device=device, dtype=dtype)
        self._tokens = 0

    def add(self, inputs: Float[Tensor, "tokens in"], weights: Float[Tensor, " tokens"] | None = None) -> None:
        """Add some tokens' inputs, each with its weight, or with weight 1."""
        self._sum.addmm_(inputs.T, inputs if weights is None else inputs * weights[:, None])
        self._tokens += len(inputs)

    def gram(self) -> Float[Tensor, "in in"]:
        r"""Return :math:`H = \frac2n X X'`, n the tokens: the curvature of its squared error (SparseGPT)."""
        return self._sum * (2 / self._tokens)

    def diagonal(self) -> Float[Tensor, "in in"]:
        """Return the Gram matrix with its off-diagonal part set to 0, as if the inputs did not correlate."""
        return self.gram().diagonal().diag()

    def fisher(self, num_examples: int) -> Float[Tensor, "in in"]:
        r"""Return :math:`H = N \sum_n \overline{(\partial L / \partial y_n)^2} \, x_n x_n'`, the empirical Fisher.

        The bar is the mean over the rows, so that the layer needs one matrix and not one a row [assumed]; L is the mean
        loss of N examples, whose Fisher matrix is (1/N) times the sum of the examples' own squared gradients.
        """
        return self._sum * num_examples


def damped(hessian: Float[Tensor, "in in"], *, damp: float) -> Float[Tensor, "in in"]:
    """Make a Hessian invertible: 1 on the diagonal of inputs that never fire, then ``damp`` times the mean diagonal.

    :param damp: Share of the mean diagonal added to the diagonal (SparseGPT: 0.01).
    """
    diagonal = hessian.diagonal()
    lifted = torch.where(diagonal == 0, torch.ones_like(diagonal), diagonal)
    # No diagonal matrix is built: a second one as large as the Hessian would add to the peak memory.
    invertible = hessian.clone()
    invertible.diagonal().copy_(lifted + damp * lifted.mean())
    return invertible
