"""Fine-tuning by backpropagation with AdamW: what zeroth-order rows are compared with."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mazo.batches import Batch
from mazo.errors import DivergedError
from mazo.losses import example_losses, measure_losses
from mazo.schedules import SCHEDULES
from mazo.weighting import Closure, make_weighting


class FirstOrderOptimizer:
    """AdamW (Loshchilov and Hutter, ICLR 2019) on the weighted sum of the task losses.

    Betas and epsilon are torch's defaults. The moments have the weights' own type.

    :param parameters: The weights to train.
    :param lr: Step size at the first step.
    :param schedule: How it falls over ``num_steps`` steps.
    :param weight_decay: Decoupled decay, per step and unit of lr.
    :param weighting: The rule for the task weights, a name in :data:`mazo.weighting.WEIGHTINGS`.
    :param weighting_options: That rule's own settings, by name.
    """

    name = "adamw"
    idle_steps = 0
    mask = None

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: float,
        schedule: str,
        num_steps: int,
        weight_decay: float,
        weighting: str = "uniform",
        weighting_options: Mapping[str, object] | None = None,
    ) -> None:
        self._parameters = list(parameters)
        self.adamw = torch.optim.AdamW(self._parameters, lr=lr, weight_decay=weight_decay)
        self._lr, self._schedule, self._num_steps = lr, SCHEDULES[schedule], num_steps
        self.weighting = make_weighting(weighting, weighting_options)
        self.steps_done = 0

    @property
    def forwards_per_step(self) -> int:
        """How often a step measures the tasks' losses, the weighting's own measurements among them."""
        return 1 + self.weighting.reads_losses + self.weighting.reads_validation + self.weighting.reads_outcome

    @property
    def num_trained(self) -> int:
        """How many weights are trained."""
        return sum(weight.numel() for weight in self._parameters)

    def step(
        self, model: nn.Module, batches: Sequence[Batch], *, num_tasks: int, validation: Closure | None = None
    ) -> Float[Tensor, " tasks"]:
        """Do one step, a backward pass a micro-batch, and return the tasks' losses before it.

        :param validation: Returns each task's loss on validation examples, for the weightings that read it (CoBa).

        Raises :class:`mazo.errors.DivergedError` when a loss is not finite, before any weight changes.
        """
        unread = torch.full((num_tasks,), torch.nan)
        before = measure_losses(model, batches, num_tasks=num_tasks) if self.weighting.reads_losses else unread
        weights = self.weighting.weights(before, validation)
        losses = self._accumulate_gradients(model, batches, weights=weights.float())
        if not losses.isfinite().all():
            raise DivergedError(
                f"step {self.steps_done}: wanted finite task losses, found {losses.tolist()}; "
                f"try a smaller lr (now {self._lr:g})"
            )
        self.adamw.param_groups[0]["lr"] = self._lr * self._schedule(self.steps_done, self._num_steps)
        self.adamw.step()
        self.adamw.zero_grad(set_to_none=True)
        self.steps_done += 1
        if self.weighting.reads_outcome:
            self.weighting.observe(measure_losses(model, batches, num_tasks=num_tasks))
        return losses

    def _accumulate_gradients(
        self, model: nn.Module, batches: Sequence[Batch], *, weights: Float[Tensor, " tasks"]
    ) -> Float[Tensor, " tasks"]:
        for weight in self._parameters:
            weight.requires_grad_(True)
        counts = torch.bincount(torch.cat([batch.task for batch in batches]), minlength=len(weights))
        losses = torch.zeros(len(weights))
        for batch in batches:
            shares = example_losses(model, batch) / counts[batch.task]
            (shares @ weights.to(shares)[batch.task]).backward()
            losses += torch.zeros_like(losses).index_add_(0, batch.task.cpu(), shares.detach().cpu())
        for weight in self._parameters:
            weight.requires_grad_(False)
        return losses
