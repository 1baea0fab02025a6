"""FAMO: let every task's loss fall at the same relative speed."""

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.errors import TrainingError
from mazo.weighting.base import TaskWeighting

EPSILON = 1e-8


class Famo(TaskWeighting):
    r"""Fast adaptive multitask optimisation (Liu et al., "FAMO: Fast Adaptive Multitask Optimization", NeurIPS 2023).

    .. math:: w_i = \frac{p_i / D_i}{\sum_j p_j / D_j}, \qquad p = \mathrm{softmax}(\xi), \qquad D_i = L_i + 10^{-8}

    .. math:: \delta_i = \log D_i - \log D'_i, \qquad \nabla_\xi = J_\mathrm{softmax}(\xi)^\top \delta

    - :math:`L_i` is task i's loss on the step's examples; the losses' floors are 0, the official code's default;
    - :math:`\xi` are the tasks' logits, 0 at first, which one Adam step a step changes;
    - :math:`D'_i` is :math:`D_i` on the same examples after the model's step.

    A task whose loss nears 0 takes nearly all the weight: 0.997 at a loss of 0.001 beside two tasks at 0.7.

    Under a zeroth-order step :math:`L_i` is the mean of the two points' losses, where the first-order method has the
    loss at the weights themselves: higher by about eps^2 z'Hz / 2. :math:`L'_i` costs a third forward. Under a
    first-order step in micro-batches, :math:`L_i` has to be known before the backward passes: one more forward too.

    :param lr: Step size of Adam. Default: the paper's.
    :param weight_decay: Adam's L2 decay of the logits. Sources disagree: 0.01 [assumed], 0.001 in the paper's Algorithm
        2, 0.00001 in its code.
    """

    reads_losses = True
    reads_outcome = True

    def __init__(self, *, lr: float = 0.025, weight_decay: float = 0.01) -> None:
        super().__init__()
        self._lr, self._weight_decay = lr, weight_decay
        self._adam: torch.optim.Adam | None = None
        self._logits = self._before = torch.empty(0)

    def _weigh(
        self, losses: Float[Tensor, " tasks"], validation: Float[Tensor, " tasks"] | None
    ) -> Float[Tensor, " tasks"]:
        if self._adam is None:
            self._logits = torch.zeros(len(losses))
            self._adam = torch.optim.Adam([self._logits], lr=self._lr, weight_decay=self._weight_decay)
        self._before = _above_floor(losses)
        shares = self._logits.softmax(0) / self._before
        return shares / shares.sum()

    def _learn(self, losses: Float[Tensor, " tasks"]) -> None:
        """Take one Adam step on the logits."""
        assert self._adam is not None
        speed = self._before.log() - _above_floor(losses).log()
        shares = self._logits.softmax(0)
        self._logits.grad = shares * (speed - shares @ speed)
        self._adam.step()


def _above_floor(losses: Float[Tensor, " tasks"]) -> Float[Tensor, " tasks"]:
    if not (losses >= 0).all():
        raise TrainingError(f"weighting: famo wants losses of at least 0, found {losses.tolist()}")
    return losses.detach().cpu().float() + EPSILON
