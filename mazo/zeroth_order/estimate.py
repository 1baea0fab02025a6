"""Losses along a direction, and the projected gradient of every task from them."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.trained import Trained

Closure = Callable[[], Float[Tensor, " tasks"]]


def losses_along_(
    trained: Trained,
    z: Direction,
    *,
    points: Sequence[float],
    closure: Closure,
    settle: bool = True,
) -> Float[Tensor, "points tasks"]:
    """Measure the tasks' losses at theta + point z for each point, and leave the weights at theta.

    :param settle: Where it is false the weights stay at the last point, for a caller that writes them all next; where
        the closure fails they are left at theta even then.
    """
    at, losses = 0.0, []
    try:
        for point in points:
            trained.move_(z, start=at, end=point)
            at = point
            losses.append(closure().detach().cpu().double())
    except BaseException:
        settle = True
        raise
    finally:
        if settle:
            trained.move_(z, start=at, end=0.0)
    return torch.stack(losses)


def two_point_(
    trained: Trained,
    directions: Sequence[Direction],
    *,
    eps: float,
    closure: Closure,
    settle: bool = True,
) -> tuple[Float[Tensor, " tasks"], Float[Tensor, "directions tasks"]]:
    r"""Estimate every task's slope along each direction z from the same two forwards [paper].

    .. math:: \text{projected\_grad}_t = (L_t(\theta + \epsilon z) - L_t(\theta - \epsilon z)) / (2 \epsilon)

    :param settle: Where it is false the weights stay at the last point; see :func:`losses_along_`.
    :returns: The mean of each task's losses, and the projected gradients.
    """
    losses = [losses_along_(trained, z, points=(eps, -eps), closure=closure, settle=settle) for z in directions]
    plus, minus = torch.stack(losses).unbind(1)
    return ((plus + minus) / 2).mean(0).float(), ((plus - minus) / (2 * eps)).float()


def one_sided_(
    trained: Trained,
    directions: Sequence[Direction],
    *,
    eps: float,
    closure: Closure,
    settle: bool = True,
) -> tuple[Float[Tensor, " tasks"], Float[Tensor, "directions tasks"]]:
    r"""Estimate the slopes from one forward a direction and one at theta, which all directions share.

    .. math:: \text{projected\_grad}_t = (L_t(\theta + \epsilon z) - L_t(\theta)) / \epsilon

    :param settle: Where it is false the weights stay at the last point; see :func:`losses_along_`.
    :returns: Each task's loss at theta, and the projected gradients.
    """
    losses = closure().detach().cpu().double()
    plus = [losses_along_(trained, z, points=(eps,), closure=closure, settle=settle) for z in directions]
    return losses.float(), ((torch.cat(plus) - losses) / eps).float()


Estimate = Callable[..., tuple[Float[Tensor, " tasks"], Float[Tensor, "directions tasks"]]]

ESTIMATES: dict[str, Estimate] = {"two": two_point_, "one": one_sided_}

LAST_POINTS: dict[Estimate, float] = {two_point_: -1.0, one_sided_: 1.0}
"""Where an estimate that does not settle leaves the weights, in eps along the last direction."""
