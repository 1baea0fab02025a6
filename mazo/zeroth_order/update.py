"""The update of all trained weights, a block at a time."""

from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor

from mazo.zeroth_order.blocks import Block, groups
from mazo.zeroth_order.coordinates import Coordinates
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.steps import Step
from mazo.zeroth_order.stream import Numbers, Stream, add_, in_memory, times_


def update_(
    coordinates: Mapping[str, Coordinates],
    directions: Sequence[Direction],
    coefficients: Sequence[float],
    *,
    rule: Step,
    lr: float,
    weight_decay: float,
    settle: bool,
) -> None:
    """Step every tensor along the gradient sum_k coefficient_k z_k, as a rule has it.

    :param settle: Whether weights that the step leaves alone, at a step size of 0, are to be written all the same.
    """
    for group in groups(coordinates, directions[0]):
        for block, gradient in zip(group, _gradients(group, directions, coefficients), strict=True):
            own_lr = lr * block.part.lr_factor
            update = rule.update((block.name, block.start), gradient)
            # theta - 0 * update would turn a weight of -0.0 into 0.0, and an idle step must leave every bit.
            if own_lr != 0:
                block.part.step_(partial(_descend_, update=update, lr=own_lr, weight_decay=weight_decay))
            elif settle:
                block.part.settle_()


def _gradients(
    group: Sequence[Block], directions: Sequence[Direction], coefficients: Sequence[float]
) -> Sequence[Numbers]:
    """Return sum_k coefficient_k z_k over each block's stepped numbers, holding one more direction at a time."""
    totals = [times_(block.part.select(block.draw(directions[0])), coefficients[0]) for block in group]
    if len(directions) == 1:
        return totals
    sums = [in_memory(total) for total in totals]
    for z, coefficient in zip(directions[1:], coefficients[1:], strict=True):
        for block, total in zip(group, sums, strict=True):
            add_(total, block.part.select(block.draw(z, memory=1)), alpha=coefficient)
    return sums


def _descend_(theta: Tensor, update: Numbers, *, lr: float, weight_decay: float) -> None:
    """Step theta in float32, and round once where it has another type."""
    if isinstance(update, Stream):
        update.write_(theta, base=theta, alpha=-lr, decay=weight_decay)
        return
    exact = theta.float()
    if weight_decay:
        update = update.add_(exact, alpha=weight_decay)
    exact.add_(update, alpha=-lr)
    if exact is not theta:
        theta.copy_(exact)
