import math

import pytest
import torch

from mazo.zeroth_order.direction import DISTRIBUTIONS, FACTORED, Direction
from mazo.zeroth_order.write import in_memory

SHAPES = {"a": (200, 200), "b": (100, 400)}
SIZES = {"a": 40_000, "b": 40_000}


def direction(distribution: str = "gaussian", *, seed: int = 0, step: int = 0, index: int = 0) -> Direction:
    rank = 20 if distribution == "subspace" else 2
    factored = FACTORED[distribution](SHAPES, rank=rank, period=1) if distribution in FACTORED else None
    return Direction(seed, step, index, distribution, SIZES, factored)


def correlation(first: torch.Tensor, second: torch.Tensor) -> float:
    return torch.corrcoef(torch.stack([first, second]))[0, 1].item()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_direction_is_the_same_each_time_it_is_drawn(distribution):
    z = direction(distribution)
    assert torch.equal(z.draw("a"), z.draw("a"))
    assert torch.equal(z.draw("a"), direction(distribution).draw("a"))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_equal_shapes_seeds_steps_and_indices_give_uncorrelated_numbers(distribution):
    z = direction(distribution).draw("a")
    others = [
        direction(distribution).draw("b"),
        direction(distribution, seed=1).draw("a"),
        direction(distribution, step=1).draw("a"),
        direction(distribution, index=1).draw("a"),
    ]
    for other in others:
        # Two matrices of rank 2 are correlated as the products of their factors: over some hundred numbers, not 40,000.
        spread = 0.05 if distribution in FACTORED else 4 / math.sqrt(len(z))
        assert abs(correlation(z, other)) < spread


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_distribution_has_the_mean_square_one_so_that_lr_means_the_same(distribution):
    z = direction(distribution)
    square = torch.cat([z.draw("a"), z.draw("b")]).double().square().mean().item()
    spread = {"gaussian": 0.02, "rademacher": 1e-12, "sphere": 1e-6, "low_rank": 0.2, "subspace": 0.2}
    assert abs(square - 1) < spread[distribution]


def test_the_sphere_has_the_norm_root_d_over_all_tensors_together():
    z = Direction(0, 0, 0, "sphere", {"small": 3, "large": 5})
    norm = torch.cat([z.draw("small"), z.draw("large")]).double().norm().item()
    assert norm == pytest.approx(math.sqrt(8), rel=1e-6)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize(("start", "numbers"), [(0, 100), (0, 65_536), (256, 1), (65_536, 65_536), (131_072, 68_929)])
@pytest.mark.parametrize("shape", [(3, 66_667), (66_667, 3)])
@pytest.mark.parametrize("rank", [1, 2])
def test_a_block_drawn_alone_is_that_stretch_of_the_whole(distribution, start, numbers, shape, rank):
    factored = FACTORED[distribution]({"w": shape}, rank=rank, period=1) if distribution in FACTORED else None
    z = Direction(0, 3, 0, distribution, {"w": 200_001}, factored)
    drawn = in_memory(z.numbers("w", start, numbers, torch.device("cpu")))
    # As integers: a zero's sign is a bit too.
    assert torch.equal(drawn.view(torch.int32), z.draw("w")[start : start + numbers].view(torch.int32))


@pytest.mark.parametrize("distribution", FACTORED)
def test_factors_of_one_tensor_are_never_taken_for_anothers(distribution):
    z = direction(distribution)
    first = z.draw("a")
    assert z.draw("b").shape == first.shape and not torch.equal(z.draw("b"), first)
    assert torch.equal(z.draw("a"), first)


@pytest.mark.parametrize("distribution", FACTORED)
def test_products_are_made_on_the_processor_for_devices_that_may_have_no_float64(distribution, monkeypatch):
    made, kind = [], FACTORED[distribution]

    class Watched(kind):
        @staticmethod
        def multiply(left, right):
            made.append(left.device)
            return kind.multiply(left, right)

    z = Direction(0, 0, 0, distribution, SIZES, Watched(SHAPES, rank=2, period=1))
    numbers = z.numbers("a", 256, 512, torch.device("meta"))
    assert numbers.device.type == "meta" and len(numbers) == 512
    assert made == [torch.device("cpu")]
