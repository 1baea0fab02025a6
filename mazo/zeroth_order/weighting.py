"""How the tasks share a step: projected gradients of the tasks to one coefficient."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Weighting = Callable[[Float[Tensor, " tasks"]], Float[Tensor, " tasks"]]


def uniform(losses: Float[Tensor, " tasks"]) -> Float[Tensor, " tasks"]:
    """Weigh every task 1 / T, so that the weighted loss is the mean of the tasks' losses [assumed]."""
    return torch.full_like(losses, 1.0 / len(losses))


WEIGHTINGS: dict[str, Weighting] = {"uniform": uniform}
