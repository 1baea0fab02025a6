"""One score a weight and task from the three parts, and one a weight from all tasks."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.importance.global_score import global_score
from mazo.importance.greedy_score import greedy_score
from mazo.importance.magnitude import magnitude


def by_sum(scores: Float[Tensor, "out in"]) -> Float[Tensor, "out in"]:
    """Divide each row by the sum of its absolute values (greedy scores may be negative) [assumed]."""
    return scores / _nonzero(scores.abs().sum(dim=1, keepdim=True))


def by_max(scores: Float[Tensor, "out in"]) -> Float[Tensor, "out in"]:
    """Divide each row by its largest absolute value."""
    return scores / _nonzero(scores.abs().amax(dim=1, keepdim=True))


def by_z_score(scores: Float[Tensor, "out in"]) -> Float[Tensor, "out in"]:
    """Give each row mean 0 and standard deviation 1."""
    return (scores - scores.mean(dim=1, keepdim=True)) / _nonzero(scores.std(dim=1, correction=0, keepdim=True))


def unscaled(scores: Float[Tensor, "out in"]) -> Float[Tensor, "out in"]:
    """Leave the scores as they are, so that the task with the largest ones decides."""
    return scores


def _nonzero(divisor: Tensor) -> Tensor:
    """Replace 0 by 1: a dead row has no scores to scale, and must not become NaN."""
    return torch.where(divisor == 0, torch.ones_like(divisor), divisor)


NORMALIZATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sum": by_sum,
    "max": by_max,
    "z-score": by_z_score,
    "none": unscaled,
}


def task_score(
    weight: Float[Tensor, "out in"],
    gradient: Float[Tensor, "out in"],
    *,
    hessian: Float[Tensor, "in in"],
    alpha: float,
    beta: float,
    greedy_lr: float,
    part_normalization: str,
) -> Float[Tensor, "out in"]:
    r"""Return one task's score, :math:`S_t = S_\text{global} + \alpha S_\text{greedy} + \beta |W|` [paper].

    The first two parts are losses and the third is a weight, so their sum depends on the loss's scale. Each part is
    therefore scaled by row first [assumed]: alpha and beta then say how much of a row's total a part weighs.

    :param alpha: Weight of the greedy score.
    :param beta: Weight of |W|.
    :param greedy_lr: Step size inside the greedy score.
    :param part_normalization: Key of :data:`NORMALIZATIONS`; ``none`` adds the parts as they are.
    """
    scale = NORMALIZATIONS[part_normalization]
    score = scale(global_score(gradient, hessian))
    if alpha:
        score = score + alpha * scale(greedy_score(gradient, hessian, lr=greedy_lr))
    return score + beta * scale(magnitude(weight)) if beta else score
