"""Losses along a direction, and the projected gradient of every task from them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

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
            # An interruption of a pass comes once it is over.
            start, at = at, point
            trained.move_(z, start=start, end=point)
            losses.append(closure().detach().cpu().double())
        found = torch.stack(losses)
    except BaseException:
        settle = True
        raise
    finally:
        if settle:
            trained.move_(z, start=at, end=0.0)
    return found


@contextmanager
def moved_back_on_error_(trained: Trained, z: Direction, *, start: float) -> Iterator[None]:
    """Move the weights from theta + start z to theta if the block fails."""
    try:
        yield
    except BaseException:
        if start != 0:
            trained.move_(z, start=start, end=0.0)
        raise


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
    with moved_back_on_error_(trained, directions[-1], start=0.0 if settle else -eps):
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
    with moved_back_on_error_(trained, directions[-1], start=0.0 if settle else eps):
        here, *along = torch.cat([losses[None], *plus])
        return here.float(), ((torch.stack(along) - here) / eps).float()


Estimate = Callable[..., tuple[Float[Tensor, " tasks"], Float[Tensor, "directions tasks"]]]

ESTIMATES: dict[str, Estimate] = {"two": two_point_, "one": one_sided_}

LAST_POINTS: dict[Estimate, float] = {two_point_: -1.0, one_sided_: 1.0}
"""Where an estimate that does not settle leaves the weights, in eps along the last direction."""
