"""How far the tasks pull a model apart: their gradients, the angles and signs between them, the rank they span."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mazo.batches import Batch
from mazo.losses import task_losses


def task_gradients(model: nn.Module, batches: Mapping[str, Sequence[Batch]]) -> Float[Tensor, "tasks weights"]:
    """Compute the gradient of each task's mean loss over all of the model's weights, by backpropagation.

    :param batches: Each task's examples, numbered as task 0 of one.
    """
    with all_differentiable(model):
        gradients = [loss_gradient(model, part) for part in batches.values()]
        return torch.stack([torch.cat([own.float() for own in gradient.values()]) for gradient in gradients])


@contextmanager
def all_differentiable(model: nn.Module) -> Iterator[None]:
    """Let every parameter of a model require a gradient inside, and none afterwards."""
    try:
        model.requires_grad_(True)
        yield
    finally:
        model.requires_grad_(False)


def loss_gradient(model: nn.Module, batches: Sequence[Batch]) -> dict[str, Float[Tensor, " _"]]:
    """Compute the gradient of the batches' mean loss, flat and in the weights' own type, a tensor a parameter.

    :param batches: Examples of one task, numbered as task 0 of one; the model's parameters require gradients.
    """
    weights = dict(model.named_parameters())
    device = next(iter(weights.values())).device
    with torch.enable_grad():
        loss = task_losses(model, [batch.to(device) for batch in batches], num_tasks=1)[0]
        parts = torch.autograd.grad(loss, list(weights.values()))
    return {name: part.flatten() for name, part in zip(weights, parts, strict=True)}


def cosines(gradients: Float[Tensor, "tasks weights"]) -> Float[Tensor, "tasks tasks"]:
    r"""Compute :math:`\cos(g_s, g_t)` of every pair of tasks; a pair conflicts where it is negative (PCGrad)."""
    units = nn.functional.normalize(gradients.double(), dim=1)
    return (units @ units.mT).float()


def conflicting_pairs(cosine: Float[Tensor, "tasks tasks"]) -> int:
    """Count the pairs of tasks whose gradients have a negative cosine."""
    return int((cosine.triu(diagonal=1) < 0).sum())


def sign_disagreement(gradients: Float[Tensor, "tasks weights"]) -> Float[Tensor, "tasks tasks"]:
    """Compute the share of weights that two tasks pull in opposite directions, of those that both pull, for each pair.

    A pair that has no such weight gets 0.
    """
    signs = gradients.sign()
    agreeing = signs @ signs.mT  # agreements minus disagreements
    both = signs.abs() @ signs.abs().mT
    return ((both - agreeing) / 2 / both.clamp(min=1)).float()


def effective_rank(gram: Float[Tensor, "tasks tasks"]) -> float:
    r"""Return the effective rank of a matrix from the Gram matrix of its rows (Roy and Vetterli, 2007).

    .. math:: \exp\Bigl(-\sum_i p_i \log p_i\Bigr), \qquad p_i = \sigma_i / \sum_j \sigma_j

    - :math:`\sigma` are the singular values; k equal ones and no other give k.
    """
    values = torch.linalg.eigvalsh(gram.double()).clamp(min=0).sqrt()
    shares = values / values.sum()
    return float(torch.special.entr(shares).sum().exp())
