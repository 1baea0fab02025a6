"""The loss reduction that is given up for good by freezing a weight."""

import torch
from jaxtyping import Float
from torch import Tensor


def global_score(gradient: Float[Tensor, "out in"], hessian: Float[Tensor, "in in"]) -> Float[Tensor, "out in"]:
    r"""Return the difference of two minima of the local model: with weight m frozen, and free [derived; form assumed].

    .. math:: S_m = \frac{((H^{-1} g)_m)^2}{2 (H^{-1})_{mm}}

    The local model of the loss in one row's change d is :math:`L + g'd + d'Hd/2`. Its minimum is :math:`-g'H^{-1}g/2`;
    with :math:`d_m = 0` (Lagrange) it lies higher by the score.

    - :math:`g` is the row's gradient;
    - :math:`H` is the Hessian that all rows of the layer share, positive definite.
    """
    factor = torch.linalg.cholesky(hessian)
    # A copy of the diagonal, so that the inverse itself is freed before the rows are solved for.
    inverse_diagonal = torch.cholesky_inverse(factor).diagonal().clone()
    newton = torch.cholesky_solve(gradient.T, factor).T
    return newton.square() / (2 * inverse_diagonal)
