"""How far the tasks pull a model apart: the cosines of their gradients."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mazo.batches import Batch
from mazo.losses import task_losses


def task_gradients(model: nn.Module, batches: Mapping[str, Sequence[Batch]]) -> Float[Tensor, "tasks weights"]:
    """Compute the gradient of each task's mean loss over all of the model's weights, by backpropagation.

    :param batches: Each task's examples, numbered as task 0 of one.
    """
    weights = list(model.parameters())
    with torch.enable_grad():
        for weight in weights:
            weight.requires_grad_(True)
        gradients = [_gradient(model, weights, part) for part in batches.values()]
        for weight in weights:
            weight.requires_grad_(False)
    return torch.stack(gradients)


def _gradient(model: nn.Module, weights: list[nn.Parameter], batches: Sequence[Batch]) -> Float[Tensor, " weights"]:
    loss = task_losses(model, batches, num_tasks=1)[0]
    return torch.cat([part.float().flatten() for part in torch.autograd.grad(loss, weights)])


def cosines(gradients: Float[Tensor, "tasks weights"]) -> Float[Tensor, "tasks tasks"]:
    r"""Compute :math:`\cos(g_s, g_t)` of every pair of tasks; a pair conflicts where it is negative (PCGrad)."""
    units = nn.functional.normalize(gradients.double(), dim=1)
    return (units @ units.mT).float()


def conflicting_pairs(cosine: Float[Tensor, "tasks tasks"]) -> int:
    """Count the pairs of tasks whose gradients have a negative cosine."""
    return int((cosine.triu(diagonal=1) < 0).sum())
