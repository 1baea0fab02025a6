"""What every rule for the tasks' weights answers, and what is measured for it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.errors import ConfigError, TrainingError

Closure = Callable[[], Float[Tensor, " tasks"]]


@dataclass(frozen=True)
class Told:
    """What a rule was told in one step, one number a task; ``None`` for what it does not read."""

    losses: list[float] | None = None
    validation: list[float] | None = None
    outcome: list[float] | None = None


class TaskWeighting(ABC):
    """A rule for the weights w of the tasks' losses in each step, sum_t w_t L_t; it may learn from step to step.

    What a rule reads beyond the estimate's own losses costs one more forward of as many examples each.
    """

    reads_losses = False
    """Whether the weights depend on the step's own losses (which zeroth-order estimates give for nothing)."""
    reads_validation = False
    """Whether they depend on the losses of validation examples at the present weights."""
    reads_outcome = False
    """Whether :meth:`observe` wants the losses of the step's own examples after the update."""

    def __init__(self) -> None:
        self._steps = 0
        self._sum: Tensor | None = None
        self._largest: Tensor | None = None
        self.told = Told()
        """What the last step told."""

    def weights(self, losses: Float[Tensor, " tasks"], validation: Closure | None = None) -> Float[Tensor, " tasks"]:
        """Return the weights of the step under way.

        :param losses: Each task's loss on the step's examples; only their number counts where ``reads_losses`` is not
            set.
        :param validation: Measures each task's loss on validation examples; called where ``reads_validation`` is set.

        Raises :class:`mazo.errors.ConfigError` where that is wanted and missing, and
        :class:`mazo.errors.TrainingError` for weights that are not finite.
        """
        measured = self._measure(validation)
        self.told = Told(
            losses=losses.tolist() if self.reads_losses else None,
            validation=None if measured is None else measured.tolist(),
        )
        weights = self._weigh(losses, measured)
        if not weights.isfinite().all():
            raise TrainingError(f"weighting: wanted finite task weights, found {weights.tolist()}")
        self._note(weights.detach().double())
        return weights

    def observe(self, losses: Float[Tensor, " tasks"]) -> None:
        """Learn from the losses of the step's examples after the update; called where ``reads_outcome`` is set."""
        self.told = replace(self.told, outcome=losses.tolist())
        self._learn(losses)

    def repeat(self, told: Told, *, num_tasks: int) -> Float[Tensor, " tasks"]:
        """Take a step again from what another rule of this kind and these settings was told; return its weights.

        Told all its steps in order, this rule is where that one was, bit for bit.
        """
        losses = torch.zeros(num_tasks) if told.losses is None else torch.tensor(told.losses)
        weights = self.weights(losses, lambda: torch.tensor(told.validation, dtype=torch.float64))
        if told.outcome is not None:
            self.observe(torch.tensor(told.outcome))
        return weights

    def summary(self) -> dict[str, list[float]]:
        """Return each task's mean and largest weight over the steps so far."""
        if self._sum is None or self._largest is None:
            return {"mean": [], "largest": []}
        return {"mean": (self._sum / self._steps).tolist(), "largest": self._largest.tolist()}

    def _learn(self, losses: Float[Tensor, " tasks"]) -> None:
        """Do what :meth:`observe` says."""
        raise NotImplementedError

    @abstractmethod
    def _weigh(
        self, losses: Float[Tensor, " tasks"], validation: Float[Tensor, " tasks"] | None
    ) -> Float[Tensor, " tasks"]:
        """Return the weights, given the validation losses where ``reads_validation`` is set."""

    def _measure(self, validation: Closure | None) -> Float[Tensor, " tasks"] | None:
        if not self.reads_validation:
            return None
        if validation is None:
            raise ConfigError(f"weighting: {type(self).__name__.lower()} wants validation losses in every step")
        return validation().detach().cpu().double()

    def _note(self, weights: Float[Tensor, " tasks"]) -> None:
        self._steps += 1
        self._sum = weights if self._sum is None else self._sum + weights
        self._largest = weights if self._largest is None else torch.maximum(self._largest, weights)
