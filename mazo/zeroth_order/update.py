"""The update of all trained weights, a block at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from torch import Tensor

from mazo.zeroth_order.blocks import Block, blocks, do_all
from mazo.zeroth_order.coordinates import Coordinates
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.steps import Step
from mazo.zeroth_order.stream import Numbers
from mazo.zeroth_order.write import add_, in_memory, times_, write_


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

    :param settle: Whether theta is to be written to the model's weights too.
    """

    def steps() -> Iterator[tuple[Callable[[], None], bool]]:
        for block in blocks(coordinates, directions[0]):
            own_lr = lr * block.part.lr_factor
            update = rule.update((block.name, block.start), _gradient(block, directions, coefficients))
            # theta - 0 * update would turn a weight of -0.0 into 0.0, and an idle step must leave every bit.
            if own_lr != 0:
                descend_ = partial(_descend_, update=update, lr=own_lr, weight_decay=weight_decay)
                yield partial(block.part.step_, descend_), block.by_loops(update) and not settle
            if settle:
                yield block.part.settle_, False

    do_all(steps())


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
