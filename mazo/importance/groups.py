"""Which layers are scored together: what one takes in memory, and how many fit beside each other."""

from collections.abc import Mapping

from torch import nn

FLOOR = 2**28
"""Bytes that may always be taken, 256 MiB: a small model is scored in one pass."""


def held_bytes(layer: nn.Linear) -> int:
    """Return what a layer holds while examples pass: gradient, Hessian, summed scores; float32, in bytes."""
    return 4 * (layer.in_features**2 + 2 * layer.out_features * layer.in_features)


def work_bytes(layer: nn.Linear) -> int:
    """Return what a layer takes beyond that while it is scored; float32, in bytes.

    The Hessian's Cholesky factor and inverse, and at most five matrices of the weight's shape: the solved rows, the
    parts of the score and what combining them leaves behind.
    """
    return 4 * (2 * layer.in_features**2 + 5 * layer.out_features * layer.in_features)


def needed_bytes(layer: nn.Linear) -> int:
    """Return all that scoring a layer takes above the model and a micro-batch's activations, in bytes."""
    return held_bytes(layer) + work_bytes(layer)


def layer_groups(layers: Mapping[str, nn.Linear], *, at_once: int | None) -> list[list[str]]:
    """Cut the layers, in order, into groups that are held together, each taking a pass over the examples.

    :param at_once: Layers in a group; ``None``: as many as take no more memory than the largest layer takes alone, or
        than :data:`FLOOR`.
    """
    if at_once is not None:
        names = list(layers)
        return [names[start : start + at_once] for start in range(0, len(names), at_once)]
    limit = max([FLOOR, *map(needed_bytes, layers.values())])
    groups: list[list[str]] = []
    held = work = 0
    for name, layer in layers.items():
        held, work = held + held_bytes(layer), max(work, work_bytes(layer))
        if not groups or held + work > limit:
            groups.append([])
            held, work = held_bytes(layer), work_bytes(layer)
        groups[-1].append(name)
    return groups
