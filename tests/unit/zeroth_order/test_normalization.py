import numpy as np
import pytest
import torch
from test_optimizer import optimizer
from toy_problem import Weights, quadratic_losses

from mazo.errors import ConfigError
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.normalization import NORMALIZATIONS

FZOO = {"normalization": "std", "direction": "rademacher", "sides": "one"}


def signs(sizes: dict[str, int], *, step: int, count: int) -> np.ndarray:
    directions = [Direction(0, step, index, "rademacher", sizes) for index in range(count)]
    return np.stack([np.concatenate([z.draw(name).double().numpy() for name in sizes]) for z in directions])


def test_three_steps_are_fzoos_by_its_definition():
    """The definition in numpy: losses of the mix at theta + eps u_i, their deviation, the update."""
    model, eps, lr = Weights(), 0.01, 0.05
    engine = optimizer(model, num_directions=5, eps=eps, lr=lr, **FZOO)
    generator = torch.Generator().manual_seed(1)
    targets = torch.randn(3, len(model.flat()), generator=generator, dtype=torch.float64).numpy()

    def loss(theta: np.ndarray) -> float:
        return float(np.mean([((theta - target) ** 2).sum() / 2 for target in targets]))

    sizes = {name: weight.numel() for name, weight in model.named_parameters()}
    theta = model.flat().numpy()
    for step in range(3):
        u = signs(sizes, step=step, count=5)
        losses = np.array([loss(theta + eps * direction) for direction in u])
        theta = theta - lr * ((losses - loss(theta)) @ u) / (5 * np.std(losses))
        engine.step(quadratic_losses(model))
        np.testing.assert_allclose(model.flat().numpy(), theta, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
def test_the_step_does_not_change_with_the_losses_unit(masked):
    moved = []
    for unit in (1.0, 1000.0):
        model = Weights()
        losses = quadratic_losses(model)
        engine = optimizer(model, masked=masked, num_directions=4, **FZOO)
        engine.step(lambda losses=losses, unit=unit: unit * losses())
        moved.append(model.flat())
    assert not torch.equal(moved[0], Weights().flat())
    torch.testing.assert_close(moved[0], moved[1], rtol=1e-5, atol=1e-6)


def test_the_update_nears_that_of_normalised_gradient_descent():
    model = Weights(width=4)
    before = model.flat()
    gradient = torch.randn(len(before), generator=torch.Generator().manual_seed(3)).double()
    engine = optimizer(model, num_directions=4000, lr=1.0, **FZOO)
    engine.step(lambda: (model.flat() @ gradient)[None])
    # Each number's error is about 1 / sqrt(directions).
    torch.testing.assert_close(before - model.flat(), gradient / gradient.norm(), atol=0.08, rtol=0)


def test_a_step_takes_one_forward_a_direction_and_one_more():
    model, calls = Weights(), []
    losses = quadratic_losses(model)

    def counted() -> torch.Tensor:
        calls.append(1)
        return losses()

    engine = optimizer(model, num_directions=8, **FZOO)
    engine.step(counted)
    assert len(calls) == engine.forwards_per_step == 9
    assert engine.name == "zo_normalized_sgd"


def test_one_deviation_is_taken_of_the_weighted_mix_not_of_each_task():
    model = Weights()
    record = optimizer(model, num_directions=6, weighting="famo", **FZOO).step(quadratic_losses(model))
    mixed = (record.projected_grads.double() @ record.weights.double()).numpy()
    np.testing.assert_allclose(record.coefficients.numpy(), mixed / (6 * np.std(mixed)), rtol=1e-5)


@pytest.mark.parametrize("slope", [0.0, 0.1, -3e5])
def test_slopes_that_do_not_differ_move_nothing(slope):
    model = Weights()
    engine = optimizer(model, num_directions=3, **FZOO)
    calls = iter([0.0, slope, slope, slope])
    record = engine.step(lambda: torch.full((3,), next(calls), dtype=torch.float64))
    assert torch.equal(record.coefficients, torch.zeros(3))
    assert torch.equal(model.flat(), Weights().flat())


def test_slopes_are_left_as_they_are_without_it():
    slopes = torch.randn(5, generator=torch.Generator().manual_seed(0)).double()
    assert torch.equal(NORMALIZATIONS["none"](slopes), slopes)


def test_a_deviation_wants_two_directions():
    model = Weights()
    with pytest.raises(ConfigError, match="num_directions: wanted at least 2 for normalization std; found 1"):
        optimizer(model, normalization="std")
    optimizer(model, normalization="std", num_directions=2)
