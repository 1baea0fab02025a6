import pytest
import torch
from test_optimizer import optimizer, trained
from toy_problem import Weights, bits, quadratic_losses

from mazo.errors import ConfigError
from mazo.zeroth_order.direction import Direction

GROUPS = {"first": {"eps": 0.5, "lr": 3.0}, "norm": {"eps": 2.0}}
FACTORS = {"first": (0.5, 3.0), "second": (1.0, 1.0), "norm": (2.0, 1.0)}


def per_weight(model: Weights, which: int) -> torch.Tensor:
    """Return a group's eps (0) or lr (1) at every weight."""
    return torch.cat([torch.full((w.numel(),), FACTORS[name][which]).double() for name, w in model.named_parameters()])


def test_a_step_moves_each_group_at_its_own_eps_and_lr():
    model = Weights()
    before, eps, lr = model.flat(), per_weight(model, 0), per_weight(model, 1)
    generator = torch.Generator().manual_seed(1)
    gradient = before - torch.randn(1, len(before), generator=generator, dtype=torch.float64)[0]
    record = optimizer(model, lr=0.01, weight_decay=0.5, groups=GROUPS).step(quadratic_losses(model, tasks=1))
    z = Direction(0, 0, 0, "gaussian", {name: weight.numel() for name, weight in model.named_parameters()})
    numbers = torch.cat([z.draw(name) for name in z.sizes]).double()
    # On a quadratic the two-point slope is exact: that along eps_g z_g.
    slope = gradient @ (eps * numbers)
    torch.testing.assert_close(record.projected_grads.item(), slope.item(), rtol=1e-3, atol=1e-3)
    wanted = before - 0.01 * lr * (slope * numbers / eps + 0.5 * before)
    torch.testing.assert_close(model.flat(), wanted, rtol=1e-4, atol=1e-4)


def test_the_estimates_mean_is_the_gradient_whatever_the_groups_eps():
    model = Weights(width=2)
    gradient = torch.randn(len(model.flat()), generator=torch.Generator().manual_seed(3)).double()
    before = model.flat()
    groups = {"first": {"eps": 0.5}, "norm": {"eps": 2.0}}
    optimizer(model, num_directions=8000, lr=1.0, groups=groups).step(lambda: (model.flat() @ gradient)[None])
    # The error of a number is below |eps g| / (its eps sqrt(directions)).
    spread = 5 * (per_weight(model, 0) * gradient).norm() / (per_weight(model, 0) * 8000**0.5)
    assert ((before - model.flat() - gradient).abs() < spread).all()


def test_multiples_of_one_leave_every_bit_as_it_is_without_groups():
    assert bits(trained(groups={"first": {}, "second": {"eps": 1.0, "lr": 1.0}})) == bits(trained())


@pytest.mark.parametrize("step", ["sgd", "momentum", "adam", "sign"])
def test_a_group_with_no_step_size_keeps_every_bit_under_any_rule(step):
    before, after = bits(Weights()), bits(trained(step=step, groups={"first": {"lr": 0.0}}))
    assert {name for name in before if before[name] == after[name]} == {"first"}


def test_a_name_takes_the_first_group_that_it_has_a_part_of_and_a_part_is_whole():
    with pytest.raises(ConfigError, match="groups: wanted a part of a trained parameter's name; found 'fir'"):
        optimizer(Weights(), groups={"fir": {"lr": 2.0}})
    with pytest.raises(ConfigError, match="found 'norm'"):
        optimizer(Weights(), masked=True, groups={"norm": {"lr": 2.0}})


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({"eps": 0.0}, "wanted eps above 0 and lr of at least 0; found 0, 1"),
        ({"lr": -1.0}, "found 1, -1"),
        ({"rate": 1.0}, "groups.first: wanted eps and lr; found rate"),
    ],
)
def test_a_group_at_fault_is_named(group, message):
    with pytest.raises(ConfigError, match=message):
        optimizer(Weights(), groups={"first": group})
