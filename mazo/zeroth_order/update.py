"""The update of all trained weights: in one pass where kernels can, a block at a time elsewhere."""

from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor

from mazo.zeroth_order.blocks import Block, blocks
from mazo.zeroth_order.coordinates import Coordinates
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.steps import Step
from mazo.zeroth_order.stream import Numbers
from mazo.zeroth_order.trained import Trained
from mazo.zeroth_order.write import add_, in_memory, times_, write_


def update_(
    trained: Trained,
    directions: Sequence[Direction],
    coefficients: Sequence[float],
    *,
    rule: Step,
    lr: float,
    weight_decay: float,
    settle: bool,
    start: float = 0.0,
) -> None:
    """Step every tensor along the gradient sum_k coefficient_k z_k, as a rule has it.

    :param settle: Whether theta is to be written to the model's weights too.
    :param start: Where weights that are trained in place are, theta + start z, z being the one direction.
    """
    rest: Mapping[str, Coordinates] = trained
    if rule.is_gradient and len(directions) == 1 and lr != 0:
        (z,), (coefficient,) = directions, coefficients
        rest = trained.step_(z, coefficient=coefficient, lr=lr, weight_decay=weight_decay, start=start)
    elif start != 0:
        trained.move_(directions[0], start=start, end=0.0)
    for block in blocks(rest):
        own_lr = lr * block.part.lr_factor
        update = rule.update((block.name, block.start), _gradient(block, directions, coefficients))
        # theta - 0 * update would turn a weight of -0.0 into 0.0, and an idle step must leave every bit.
        if own_lr != 0:
            block.part.step_(partial(_descend_, update=update, lr=own_lr, weight_decay=weight_decay))
    if settle:
        for tensor in trained.values():
            tensor.settle_()


def _gradient(block: Block, directions: Sequence[Direction], coefficients: Sequence[float]) -> Numbers:
    """Return sum_k coefficient_k z_k over a block's stepped numbers, holding one more direction at a time."""
    total = times_(block.part.select(block.numbers(directions[0])), coefficients[0])
    for z, coefficient in zip(directions[1:], coefficients[1:], strict=True):
        total = in_memory(total)
        add_(total, block.part.select(block.numbers(z)), alpha=coefficient)
    return total


def _descend_(theta: Tensor, update: Numbers, *, lr: float, weight_decay: float) -> None:
    """Step theta in float32, and round once where it has another type."""
    write_(theta, update, base=theta, alpha=-lr, decay=weight_decay)
