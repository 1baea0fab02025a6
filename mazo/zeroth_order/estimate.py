"""Losses along a direction, and the projected gradient of every task from them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.zeroth_order.blocks import blocks, do_all
from mazo.zeroth_order.coordinates import Coordinates
from mazo.zeroth_order.direction import Direction

Closure = Callable[[], Float[Tensor, " tasks"]]


def move_(coordinates: Mapping[str, Coordinates], z: Direction, *, start: float, end: float) -> None:
    """Move every tensor's weights from theta + start z to theta + end z."""

    def moves() -> Iterator[tuple[Callable[[], None], bool]]:
        for block in blocks(coordinates, z):
            numbers = block.numbers(z) if block.part.draws(end) else None
            yield partial(block.part.move_, numbers, start=start, end=end), block.by_loops(numbers)

    do_all(moves())


@contextmanager
def settled_on_error_(coordinates: Mapping[str, Coordinates]) -> Iterator[None]:
    """Write theta to all tensors' weights, wherever they have been moved to, if the block fails."""
    try:
        yield
    except BaseException:
        for tensor in coordinates.values():
            tensor.settle_()
        raise


def losses_along_(
    coordinates: Mapping[str, Coordinates],
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
            move_(coordinates, z, start=at, end=point)
            at = point
            losses.append(closure().detach().cpu().double())
    except BaseException:
        settle = True
        raise
    finally:
        if settle:
            move_(coordinates, z, start=at, end=0.0)
    return torch.stack(losses)


def two_point_(
    coordinates: Mapping[str, Coordinates],
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
    losses = [losses_along_(coordinates, z, points=(eps, -eps), closure=closure, settle=settle) for z in directions]
    plus, minus = torch.stack(losses).unbind(1)
    return ((plus + minus) / 2).mean(0).float(), ((plus - minus) / (2 * eps)).float()


def one_sided_(
    coordinates: Mapping[str, Coordinates],
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
    plus = [losses_along_(coordinates, z, points=(eps,), closure=closure, settle=settle) for z in directions]
    return losses.float(), ((torch.cat(plus) - losses) / eps).float()


Estimate = Callable[..., tuple[Float[Tensor, " tasks"], Float[Tensor, "directions tasks"]]]

ESTIMATES: dict[str, Estimate] = {"two": two_point_, "one": one_sided_}
