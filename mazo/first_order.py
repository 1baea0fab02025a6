"""Fine-tuning by backpropagation with AdamW: what zeroth-order rows are compared with."""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mazo.batches import Batch
from mazo.errors import TrainingError
from mazo.losses import example_losses
from mazo.schedules import SCHEDULES


class FirstOrderOptimizer:
    """AdamW (Loshchilov and Hutter, ICLR 2019) on the mean of the task losses.

    Betas and epsilon are torch's defaults. The moments have the weights' own type.

    :param parameters: The weights to train.
    :param lr: Step size at the first step.
    :param schedule: How it falls over ``num_steps`` steps.
    :param weight_decay: Decoupled decay, per step and unit of lr.
    """

    name = "adamw"
    forwards_per_step = 1
    idle_steps = 0

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, lr: float, schedule: str, num_steps: int, weight_decay: float
    ) -> None:
        self._parameters = list(parameters)
        self._adamw = torch.optim.AdamW(self._parameters, lr=lr, weight_decay=weight_decay)
        self._lr, self._schedule, self._num_steps = lr, SCHEDULES[schedule], num_steps
        self.steps_done = 0

    @property
    def num_trained(self) -> int:
        """How many weights are trained."""
        return sum(weight.numel() for weight in self._parameters)

    def step(self, model: nn.Module, batches: Sequence[Batch], *, num_tasks: int) -> Float[Tensor, " tasks"]:
        """Do one step, a backward pass a micro-batch, and return the tasks' losses before it.

        Raises :class:`mazo.errors.TrainingError` when a loss is not finite, before any weight changes.
        """
        losses = self._accumulate_gradients(model, batches, num_tasks=num_tasks)
        if not losses.isfinite().all():
            raise TrainingError(
                f"step {self.steps_done}: wanted finite task losses, found {losses.tolist()}; "
                f"try a smaller lr (now {self._lr:g})"
            )
        self._adamw.param_groups[0]["lr"] = self._lr * self._schedule(self.steps_done, self._num_steps)
        self._adamw.step()
        self._adamw.zero_grad(set_to_none=True)
        self.steps_done += 1
        return losses

    def _accumulate_gradients(
        self, model: nn.Module, batches: Sequence[Batch], *, num_tasks: int
    ) -> Float[Tensor, " tasks"]:
        for weight in self._parameters:
            weight.requires_grad_(True)
        counts = torch.bincount(torch.cat([batch.task for batch in batches]), minlength=num_tasks)
        losses = torch.zeros(num_tasks)
        for batch in batches:
            shares = example_losses(model, batch) / counts[batch.task]
            (shares.sum() / num_tasks).backward()
            losses += torch.zeros_like(losses).index_add_(0, batch.task.cpu(), shares.detach().cpu())
        for weight in self._parameters:
            weight.requires_grad_(False)
        return losses
