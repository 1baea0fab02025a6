"""The loss reduction that is given up in one gradient step by freezing a weight."""

from jaxtyping import Float
from torch import Tensor


def greedy_score(
    gradient: Float[Tensor, "out in"], hessian: Float[Tensor, "in in"], *, lr: float
) -> Float[Tensor, "out in"]:
    r"""Return local(d without m) - local(d) for the gradient step d = -lr g [derived; form assumed].

    .. math:: S_m = \text{lr} \, g_m^2 - \text{lr}^2 g_m (Hg)_m + \text{lr}^2 H_{mm} g_m^2 / 2

    The local model of the loss in one row's change d is :math:`L + g'd + d'Hd/2`. The score may be negative.

    - :math:`g` is the row's gradient;
    - :math:`H` is the Hessian that all rows of the layer share.

    :param lr: Step size of that one step.
    """
    curved = gradient * (gradient @ hessian)
    return lr * gradient.square() - lr**2 * curved + lr**2 / 2 * hessian.diagonal() * gradient.square()
