"""Pinned digests: no change for speed or clarity may change a direction's numbers or a run's weights."""

import hashlib
import math

import pytest
import torch
from toy_problem import Weights, mask_of

from mazo import ZerothOrderOptimizer
from mazo.zeroth_order import coordinates
from mazo.zeroth_order.direction import FACTORED, Direction
from mazo.zeroth_order.replay import weights_checksum

SHAPES = {"matrix": (300, 321), "tail": (37,), "one": (1,), "none": (0,)}

DRAWN = {
    "gaussian": "ad161b7d08a0c665",
    "rademacher": "27c376b4856dbdd3",
    "sphere": "b03f0199ffb06189",
    "low_rank": "733461531bc5b97c",
    "subspace": "779d46d133fbacc1",
}

RUNS = {
    "defaults": ({}, "3f1d7305e1cda561"),
    "rademacher": ({"direction": "rademacher"}, "1c11a982dabab133"),
    "sphere": ({"direction": "sphere"}, "fce5c85253a92111"),
    "low_rank": ({"direction": "low_rank"}, "36f1864c16c4ef16"),
    "subspace": ({"direction": "subspace"}, "6873c5ef08689a68"),
    "momentum": ({"step": "momentum"}, "396f4920345db847"),
    "adam": ({"step": "adam", "weight_decay": 0.1}, "3e21a2eb2c9bc805"),
    "sign": ({"step": "sign"}, "3f265bd1ddf60b73"),
    "three directions": ({"num_directions": 3}, "f7054b1ac425fd1c"),
    "one-sided": ({"sides": "one"}, "cb06cf31b2bdb7a5"),
    "in place": ({"precision": "in_place"}, "ed6ce3fe70d53caf"),
    "in place, bfloat16": ({"precision": "in_place", "dtype": torch.bfloat16}, "da4ca0ef1d37892d"),
    "bfloat16": ({"dtype": torch.bfloat16}, "8856aa4eaa31ecee"),
    "masked": ({"density": 0.4}, "6d36398861f5d30d"),
    "masked, bfloat16": ({"density": 0.4, "dtype": torch.bfloat16}, "8e5bbcd7dee43936"),
    "masked, adam": ({"density": 0.4, "step": "adam", "num_directions": 2, "weight_decay": 0.1}, "6d2965b6bfa8a527"),
    "masked update": ({"density": 0.4, "mask_mode": "update"}, "16983d8a587a7fcf"),
}


def drawn(distribution: str) -> str:
    """Hash a direction's numbers, its longest tensor longer than any block that numbers are drawn in."""
    sizes = {name: math.prod(shape) for name, shape in SHAPES.items()}
    factored = FACTORED[distribution](SHAPES, rank=2, period=3) if distribution in FACTORED else None
    z = Direction(7, 5, 1, distribution, sizes, factored)
    digest = hashlib.sha256()
    for name in SHAPES:
        digest.update(z.draw(name).contiguous().numpy().astype("<f4").tobytes())
    return digest.hexdigest()[:16]


def trained(*, density: float | None = None, dtype: torch.dtype = torch.float32, **settings) -> str:
    """Hash the weights after three steps on losses that few numbers decide."""
    model = Weights(dtype, width=20_000)
    mask = None if density is None else mask_of(model, density=density)
    optimizer = ZerothOrderOptimizer(model.named_parameters(), lr=1e-3, run_seed=3, mask=mask, **settings)
    for _ in range(3):
        optimizer.step(
            lambda: torch.stack([model.first[0, :8].double().sum(), model.second[1, 5:9].double().square().sum()])
        )
    return weights_checksum(model.named_parameters())[:16]


@pytest.mark.parametrize("distribution", DRAWN)
def test_a_direction_has_the_same_numbers_as_ever(distribution):
    assert drawn(distribution) == DRAWN[distribution]


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_ends_with_the_same_weights_as_ever_in_blocks_of_any_size(kind, monkeypatch):
    monkeypatch.setattr(coordinates, "BLOCK", 65_536)  # less than the largest tensor
    settings, wanted = RUNS[kind]
    assert trained(**settings) == wanted
