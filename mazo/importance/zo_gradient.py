"""The scores' gradient from forwards alone: slopes along random directions, and any weight's gradient from these."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.estimate import Closure, two_point_
from mazo.zeroth_order.trained import Trained
from mazo.zeroth_order.unmasked import Master


@torch.no_grad()
def zo_slopes(
    weights: Mapping[str, Tensor], closure: Closure, *, num_directions: int, eps: float, seed: int
) -> Float[Tensor, " directions"]:
    """Return the two-point slopes of one task's loss along directions over all the weights, left as they were.

    A float32 copy of the weights lies in host memory meanwhile, so that they can be put back exactly.

    :param closure: Returns the loss of the one task, ``[loss]``.
    :param num_directions: How many directions q, two forwards each.
    :param seed: Seed of the directions.
    """
    trained = Trained({name: Master(weight, device="cpu") for name, weight in weights.items()})
    sizes = {name: tensor.size for name, tensor in trained.items()}
    directions = (Direction(seed, 0, index, "gaussian", sizes) for index in range(num_directions))
    return torch.cat([two_point_(trained, [z], eps=eps, closure=closure)[1].flatten() for z in directions])


@torch.no_grad()
def zo_gradient(
    slopes: Float[Tensor, " directions"], weight: Float[Tensor, "out in"], *, name: str, seed: int
) -> Float[Tensor, "out in"]:
    r"""Return the estimate of one weight's gradient from the slopes along all weights, with no forward pass.

    .. math:: \hat g = \frac1q \sum_i s_i z_i

    Its cosine with the true gradient is about sqrt(q / (q + d + 1)) for q directions and d weights in all [derived].

    - :math:`s_i` is the slope along direction i, and :math:`z_i` the weight's own share of that direction.

    :param name: The weight's name in :func:`zo_slopes`.
    :param seed: Seed of the directions.
    """
    gradient = torch.zeros(weight.numel(), device=weight.device)
    for index, slope in enumerate(slopes.tolist()):
        z = Direction(seed, 0, index, "gaussian", {name: weight.numel()})
        gradient.add_(z.draw(name, weight.device), alpha=slope / len(slopes))
    return gradient.view(weight.shape)
