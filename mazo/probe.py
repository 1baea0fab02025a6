"""The tasks' gradients over all weights, over those a mask keeps and over those it freezes: noise, conflict, rank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mazo.batches import Batch
from mazo.conflict import all_differentiable, cosines, effective_rank, loss_gradient, sign_disagreement
from mazo.gradient_noise import sample_places, task_variances
from mazo.losses import task_losses
from mazo.masks import Mask
from mazo.seeding import torch_generator
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.estimate import two_point_
from mazo.zeroth_order.hold import hold

LIMIT = 2**20
"""Weights of a scope that are looked at; where there are more, about as many drawn at random."""


@dataclass(frozen=True)
class Scope:
    """Some of a model's weights."""

    size: int
    """How many there are."""
    places: Mapping[str, Tensor]
    """Flat places of those looked at, by parameter."""


def mask_scopes(model: nn.Module, mask: Mask, *, seed: int, limit: int = LIMIT) -> dict[str, Scope]:
    """Return the scopes ``all`` (every parameter), ``kept`` and ``frozen`` (what the mask covers and does not keep)."""
    sizes = {name: weight.numel() for name, weight in model.named_parameters()}
    kept = {name: len(places) for name, places in mask.gaps.items()}
    frozen = {name: sizes[name] - count for name, count in kept.items()}
    drawn = {
        name: _draw(counts, name, seed=seed, limit=limit)
        for name, counts in (("all", sizes), ("kept", kept), ("frozen", frozen))
    }
    return {
        "all": Scope(sum(sizes.values()), drawn["all"]),
        "kept": Scope(sum(kept.values()), {key: mask.kept[key][own].long() for key, own in drawn["kept"].items()}),
        "frozen": Scope(
            sum(frozen.values()),
            {key: _complement(mask.kept[key], sizes[key])[own] for key, own in drawn["frozen"].items()},
        ),
    }


def _draw(counts: Mapping[str, int], scope: str, *, seed: int, limit: int) -> dict[str, Tensor]:
    """Draw which of each tensor's weights in a scope are looked at, by their number among these."""
    generator = torch_generator(seed, "probe", scope)
    return dict(zip(counts, sample_places(list(counts.values()), limit=limit, generator=generator), strict=True))


def _complement(places: Tensor, size: int) -> Tensor:
    is_left = torch.ones(size, dtype=torch.bool)
    is_left[places.long()] = False
    return is_left.nonzero().flatten()


def scope_gradients(
    model: nn.Module, batches: Mapping[str, Sequence[Sequence[Batch]]], scopes: Mapping[str, Scope]
) -> dict[str, Float[Tensor, "tasks batches weights"]]:
    """Compute the gradient of every task on every batch by backpropagation, and keep the scopes' weights of each.

    :param batches: By task, as many batches each, in micro-batches; every task numbered as task 0 of one.
    """
    rows: dict[str, list[Tensor]] = {name: [] for name in scopes}
    with all_differentiable(model):
        for own in batches.values():
            for batch in own:
                gradient = loss_gradient(model, batch)
                for name, scope in scopes.items():
                    parts = [_at(gradient[key], places) for key, places in scope.places.items()]
                    rows[name].append(torch.cat(parts))
    shape = (len(batches), len(next(iter(batches.values()))), -1)
    return {name: torch.stack(own).view(shape) for name, own in rows.items()}


def _at(gradient: Float[Tensor, " weights"], places: Tensor) -> Float[Tensor, " places"]:
    return gradient[places.to(gradient.device)].float().cpu()


@torch.no_grad()
def zeroth_order_gram(
    model: nn.Module,
    batches: Mapping[str, Sequence[Batch]],
    *,
    mask: Mask | None,
    num_directions: int,
    eps: float,
    seed: int,
) -> Float[Tensor, "tasks tasks"]:
    """Return the Gram matrix of the tasks' zeroth-order gradients of one step, scaled to length 1.

    The estimator is that of training: shared directions, two points each, one slope a task from the same forwards.
    """
    device = next(model.parameters()).device
    held = hold(dict(model.named_parameters()), mask=mask, mask_mode="direction", precision="master")
    sizes = {name: tensor.size for name, tensor in held.items()}
    directions = [Direction(seed, 0, index, "gaussian", sizes) for index in range(num_directions)]
    here = [[batch.to(device) for batch in own] for own in batches.values()]

    def losses() -> Float[Tensor, " tasks"]:
        return torch.stack([task_losses(model, own, num_tasks=1)[0] for own in here])

    _, slopes = two_point_(held, directions, eps=eps, closure=losses)
    z = torch.stack([torch.cat([direction.draw(name) for name in sizes]) for direction in directions])
    gradients = slopes.mT.double() @ z.double() / num_directions
    units = nn.functional.normalize(gradients, dim=1)
    return units @ units.mT


def describe_scope(gradients: Float[Tensor, "tasks batches weights"], *, size: int) -> dict[str, object]:
    """Return the conflict and the noise of the tasks' gradients over one scope, as plain numbers."""
    means = gradients.mean(dim=1)
    alone, mix = task_variances(gradients, num_weights=size)
    return {
        "weights": size,
        "cosines": _rounded(cosines(means)),
        "sign_disagreement": _rounded(sign_disagreement(means)),
        "variance_alone": [None if value is None else round(value, 1) for value in alone],
        "variance_mix": None if mix is None else round(mix, 1),
    }


def first_order_rank(gradients: Float[Tensor, "tasks batches weights"]) -> float:
    """Return the effective rank of the tasks' mean gradients, each scaled to length 1."""
    return effective_rank(cosines(gradients.mean(dim=1)))


def _rounded(matrix: Float[Tensor, "rows columns"]) -> list[list[float]]:
    return [[round(value, 5) for value in row] for row in matrix.tolist()]
