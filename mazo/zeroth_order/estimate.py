"""Losses along a direction, and the projected gradient of every task from them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.zeroth_order.coordinates import Coordinates
from mazo.zeroth_order.direction import Direction

Closure = Callable[[], Float[Tensor, " tasks"]]


def move_(coordinates: Mapping[str, Coordinates], z: Direction, *, start: float, end: float) -> None:
    """Move every tensor's weights from theta + start z to theta + end z."""
    for name, tensor in coordinates.items():
        tensor.move_(partial(z.draw, name, tensor.device), start=start, end=end)


def losses_along_(
    coordinates: Mapping[str, Coordinates], z: Direction, *, points: Sequence[float], closure: Closure
) -> Float[Tensor, "points tasks"]:
    """Measure the tasks' losses at theta + point z for each point, and leave the weights at theta, come what may."""
    at, losses = 0.0, []
    try:
        for point in points:
            move_(coordinates, z, start=at, end=point)
            at = point
            losses.append(closure().detach().cpu().double())
    finally:
        move_(coordinates, z, start=at, end=0.0)
    return torch.stack(losses)


def two_point_(
    coordinates: Mapping[str, Coordinates], directions: Sequence[Direction], *, eps: float, closure: Closure
) -> tuple[Float[Tensor, " tasks"], Float[Tensor, "directions tasks"]]:
    r"""Estimate every task's slope along each direction z from the same two forwards [paper].

    .. math:: \text{projected\_grad}_t = (L_t(\theta + \epsilon z) - L_t(\theta - \epsilon z)) / (2 \epsilon)

    :returns: The mean of each task's losses, and the projected gradients.
    """
    losses = [losses_along_(coordinates, z, points=(eps, -eps), closure=closure) for z in directions]
    plus, minus = torch.stack(losses).unbind(1)
    return ((plus + minus) / 2).mean(0).float(), ((plus - minus) / (2 * eps)).float()


def one_sided_(
    coordinates: Mapping[str, Coordinates], directions: Sequence[Direction], *, eps: float, closure: Closure
) -> tuple[Float[Tensor, " tasks"], Float[Tensor, "directions tasks"]]:
    r"""Estimate the slopes from one forward a direction and one at theta, which all directions share.

    .. math:: \text{projected\_grad}_t = (L_t(\theta + \epsilon z) - L_t(\theta)) / \epsilon

    :returns: Each task's loss at theta, and the projected gradients.
    """
    losses = closure().detach().cpu().double()
    plus = [losses_along_(coordinates, z, points=(eps,), closure=closure) for z in directions]
    return losses.float(), ((torch.cat(plus) - losses) / eps).float()


Estimate = Callable[..., tuple[Float[Tensor, " tasks"], Float[Tensor, "directions tasks"]]]

ESTIMATES: dict[str, Estimate] = {"two": two_point_, "one": one_sided_}
