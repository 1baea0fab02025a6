"""The scores' gradient from forwards alone."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.zeroth_order.coordinates import hold
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.estimate import Closure, two_point_


@torch.no_grad()
def zo_gradients(
    weights: Mapping[str, Tensor], closure: Closure, *, num_directions: int, eps: float, seed: int
) -> dict[str, Float[Tensor, "..."]]:
    """Return the mean of two-point estimates of each weight's gradient; the weights are left as they were.

    The cosine with the true gradient is about sqrt(q / (q + d + 1)) for q directions and d weights [derived].

    :param closure: Returns the loss of the one task, ``[loss]``.
    :param num_directions: How many directions q, two forwards each.
    :param seed: Seed of the directions.
    """
    coordinates = hold(weights, mask=None, mask_mode="direction", precision="master")
    sizes = {name: tensor.size for name, tensor in coordinates.items()}
    gradients = {name: torch.zeros(weight.shape, device=weight.device) for name, weight in weights.items()}
    for index in range(num_directions):
        z = Direction(seed, 0, index, "gaussian", sizes)
        _, slopes = two_point_(coordinates, [z], eps=eps, closure=closure)
        for name, gradient in gradients.items():
            gradient.view(-1).add_(z.draw(name, gradient.device), alpha=slopes.item() / num_directions)
    return gradients
