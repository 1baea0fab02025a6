"""Every task alike."""

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.weighting.base import TaskWeighting


class Uniform(TaskWeighting):
    """Weigh every task 1 / T, so that the weighted loss is the mean of the tasks' losses [assumed]."""

    def _weigh(
        self, losses: Float[Tensor, " tasks"], validation: Float[Tensor, " tasks"] | None
    ) -> Float[Tensor, " tasks"]:
        return torch.full_like(losses, 1.0 / len(losses))
