import subprocess
import sys

import pytest
import torch
from toy_problem import Weights, bits, mask_of, quadratic_losses

from mazo.errors import ConfigError, MaskError, TrainingError
from mazo.masks import Mask
from mazo.weighting.famo import Famo
from mazo.zeroth_order import ZerothOrderOptimizer, coordinates, steps
from mazo.zeroth_order.direction import DISTRIBUTIONS, FACTORED, Direction

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
VARIANTS = (
    {},
    {"direction": "rademacher"},
    {"direction": "sphere"},
    {"direction": "low_rank", "direction_rank": 2, "direction_period": 3, "mask_mode": "update"},
    {"direction": "subspace", "direction_rank": 2, "direction_period": 3, "mask_mode": "update"},
    {"num_directions": 3},
    {"sides": "one"},
    {"normalization": "std", "direction": "rademacher", "sides": "one", "num_directions": 3},
    {"step": "momentum"},
    {"step": "adam"},
    {"step": "sign"},
    {"groups": {"first": {"eps": 0.3, "lr": 3.0}}},
    {"schedule": "linear", "num_steps": 10},
    {"schedule": "cosine", "num_steps": 10},
    {"weight_decay": 0.1},
    {"weighting": "famo", "weighting_options": {"lr": 0.5}},
    {"weighting": "coba", "weighting_options": {"warm_up": 2, "history": 3}},
)


def optimizer(model: Weights, *, lr: float = 1e-2, masked: bool = False, **settings) -> ZerothOrderOptimizer:
    mask = mask_of(model) if masked else None
    return ZerothOrderOptimizer(
        model.named_parameters(), lr=lr, run_seed=0, mask=mask, num_steps=settings.pop("num_steps", 100), **settings
    )


def trained(steps: int = 5, *, dtype: torch.dtype = torch.float32, **settings) -> Weights:
    model = Weights(dtype)
    engine = optimizer(model, **settings)
    for _ in range(steps):
        engine.step(quadratic_losses(model), quadratic_losses(model))
    return model


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
def test_equal_runs_give_equal_bits(settings, masked):
    first, second = (bits(trained(masked=masked, **settings)) for _ in range(2))
    assert first == second != bits(Weights())


@pytest.mark.parametrize("settings", [*VARIANTS, {"precision": "in_place"}], ids=str)
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
def test_steps_that_leave_the_weights_behind_end_where_others_do_once_settled(settings, masked):
    model = Weights()
    engine = optimizer(model, masked=masked, **settings)
    for _ in range(5):
        engine.step(quadratic_losses(model), quadratic_losses(model), settle=False)
    behind, writes = bits(model), settings.get("precision") == "in_place"
    engine.settle_()
    assert bits(model) == bits(trained(masked=masked, **settings))
    assert (behind == bits(model)) == (writes or settings.get("weighting") == "famo")
    after = bits(model)
    engine.settle_()
    assert bits(model) == after


def test_an_update_that_fails_can_be_settled(monkeypatch):
    model = Weights()
    engine = optimizer(model, step="adam", lr=1e-2)
    before = bits(model)

    def fail(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(steps.Adam, "update", fail)
    with pytest.raises(MemoryError):
        engine.step(quadratic_losses(model))
    engine.settle_()
    assert bits(model) == before


COLD = """
import torch
from mazo import ZerothOrderOptimizer

torch.set_num_threads(4)
weights = {str(i): torch.zeros(300_000) for i in range(8)}
engine = ZerothOrderOptimizer(weights.items(), lr=1.0, run_seed=0)
engine.step(lambda: torch.stack([weight.double().sum() for weight in weights.values()]).sum()[None])
print(sum(weight.double().square().sum().item() for weight in weights.values()) > 0)
torch.set_num_threads(1)
others = {name: torch.zeros(300_000) for name in weights}
engine = ZerothOrderOptimizer(others.items(), lr=1.0, run_seed=0)
engine.step(lambda: torch.stack([weight.double().sum() for weight in others.values()]).sum()[None])
print(all(torch.equal(weights[name], others[name]) for name in weights))
"""


def test_a_process_whose_first_step_has_several_threads_makes_the_same_numbers():
    done = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["True", "True"], done.stderr


@pytest.fixture
def threads():
    """Set torch's threads, and put them back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("settings", [*VARIANTS, {"precision": "in_place"}], ids=str)
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
def test_threads_share_the_work_and_leave_the_bits(settings, masked, threads, monkeypatch):
    monkeypatch.setattr(coordinates, "BLOCK", 256)
    ends = []
    for number in (1, 3):
        threads(number)
        model = Weights(width=1000)
        engine = optimizer(model, masked=masked, **settings)
        for _ in range(2):
            losses = [model.first.double().norm(), model.second.double().square().sum()]
            engine.step(lambda losses=losses: torch.stack(losses), lambda losses=losses: torch.stack(losses))
        ends.append(bits(model))
    assert ends[0] == ends[1]


def test_a_step_that_fails_after_one_that_left_the_weights_behind_leaves_them_settled():
    model, calls = Weights(), iter([None, None, None, RuntimeError("no memory")])
    engine = optimizer(model, lr=1e-2)

    def losses() -> torch.Tensor:
        if error := next(calls):
            raise error
        return quadratic_losses(model)()

    engine.step(losses, settle=False)
    with pytest.raises(RuntimeError, match="no memory"):
        engine.step(losses)
    assert bits(model) == bits(trained(1))


def test_momentum_keeps_the_slopes_alone_and_weights_decay_beside_it():
    model = Weights()
    engine = optimizer(model, step="momentum", momentum=0.5, weight_decay=0.1, lr=1e-2)
    sizes = {name: weight.numel() for name, weight in model.named_parameters()}
    theta, mean = model.flat(), torch.zeros(len(model.flat()), dtype=torch.float64)
    for step in range(4):
        record = engine.step(quadratic_losses(model))
        z = Direction(0, step, 0, "gaussian", sizes)
        mean = 0.5 * mean + record.coefficients.item() * torch.cat([z.draw(name) for name in sizes]).double()
        theta = theta - 1e-2 * (mean + 0.1 * theta)
        torch.testing.assert_close(model.flat(), theta, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("mask_mode", [None, "direction", "update"], ids=["all", "direction", "update"])
def test_a_thousand_idle_steps_leave_every_bit(dtype, mask_mode):
    model = Weights(dtype)
    del model.second, model.norm
    mask = mask_of(model) if mask_mode else None
    before = bits(model)
    engine = ZerothOrderOptimizer(
        model.named_parameters(), lr=0.0, run_seed=0, mask=mask, mask_mode=mask_mode or "direction"
    )
    for _ in range(1000):
        record = engine.step(lambda: model.first.double().sum()[None])
    assert record.projected_grads.abs().max() > 0
    assert bits(model) == before


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("mask_mode", "precision"), [("direction", "master"), ("update", "master"), ("direction", "in_place")]
)
def test_frozen_weights_keep_every_bit_and_kept_ones_move(dtype, mask_mode, precision):
    settings = {"mask_mode": mask_mode, "precision": precision, "lr": 0.1}
    before, after = Weights(dtype), trained(20, dtype=dtype, masked=True, **settings)
    kept = mask_of(before).kept
    for name, weight in before.named_parameters():
        changed = (weight.view(-1) != dict(after.named_parameters())[name].view(-1)).nonzero().flatten()
        assert set(changed.tolist()) <= set(kept.get(name, torch.tensor([])).tolist())
        assert name not in kept or len(changed) > 0.9 * len(kept[name])


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
def test_idle_steps_of_every_kind_leave_every_bit(settings, masked):
    assert bits(trained(10, lr=0.0, masked=masked, **settings)) == bits(Weights())


@pytest.mark.parametrize(
    ("direction", "masked"),
    [*((name, False) for name in DISTRIBUTIONS), *((name, True) for name in DISTRIBUTIONS if name not in FACTORED)],
)
def test_the_update_lies_against_the_sign_of_the_projected_gradient_on_the_direction_itself(direction, masked):
    model = Weights()
    engine = optimizer(model, masked=masked, direction=direction, direction_rank=3, direction_period=2)
    shapes = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
    factored = FACTORED[direction](shapes, rank=3, period=2) if direction in FACTORED else None
    for step in range(4):
        before = {name: weight.clone() for name, weight in model.named_parameters()}
        record = engine.step(quadratic_losses(model, tasks=1))
        z = Direction(0, step, 0, direction, engine._sizes, factored)
        moved = []
        for name in z.sizes:
            change = (dict(model.named_parameters())[name] - before[name]).flatten()
            moved.append(change[mask_of(model).kept[name]] if masked else change)
        numbers = torch.cat([z.draw(name) for name in z.sizes])
        cosine = torch.cosine_similarity(torch.cat(moved), numbers, dim=0).item()
        assert cosine == pytest.approx(-record.projected_grads.sign().item(), abs=1e-3)


def test_the_step_is_lr_times_the_mean_slope_times_z_with_no_other_factor():
    model = Weights()
    before = model.flat()
    record = optimizer(model, lr=0.03, weight_decay=0.5).step(quadratic_losses(model))
    z = Direction(0, 0, 0, "gaussian", {name: weight.numel() for name, weight in model.named_parameters()})
    numbers = torch.cat([z.draw(name) for name in z.sizes]).double()
    wanted = before - 0.03 * (record.projected_grads.double().mean() * numbers + 0.5 * before)
    torch.testing.assert_close(model.flat(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sides", ["two", "one"])
@pytest.mark.parametrize(("weighting", "extra"), [("uniform", 0), ("famo", 1), ("coba", 1)])
def test_a_step_measures_what_it_says_and_weighs_all_tasks_slopes_along_one_direction(weighting, extra, sides):
    model, calls = Weights(), []
    losses = quadratic_losses(model)

    def counted():
        calls.append(1)
        return losses()

    options = {"warm_up": 2, "history": 3} if weighting == "coba" else None
    engine = optimizer(model, weighting=weighting, weighting_options=options, sides=sides)
    for _ in range(5):
        record = engine.step(counted, counted)
        wanted = record.projected_grads @ record.weights
        torch.testing.assert_close(record.coefficients, wanted, rtol=1e-5, atol=1e-5)
    assert len(calls) == 5 * engine.forwards_per_step == 5 * (2 + extra)
    assert (weighting == "uniform") == torch.equal(record.weights, torch.full((3,), 1 / 3))


def test_famo_learns_from_the_losses_after_the_update():
    model = Weights()
    engine, losses = optimizer(model, weighting="famo"), quadratic_losses(model)
    record = engine.step(losses)
    reference = Famo()
    torch.testing.assert_close(record.weights, reference.weights(record.losses))
    reference.observe(losses().float())
    record = engine.step(losses)
    assert torch.equal(record.weights, reference.weights(record.losses))


@pytest.mark.parametrize("direction", ["low_rank", "subspace"])
def test_directions_of_low_rank_want_whole_matrices(direction):
    with pytest.raises(ConfigError, match=f"{direction} wants whole matrices"):
        optimizer(Weights(), masked=True, direction=direction)


@pytest.mark.parametrize("direction", ["low_rank", "subspace"])
def test_an_update_along_a_low_rank_direction_has_that_rank(direction):
    model = Weights()
    before = model.second.clone()
    optimizer(model, direction=direction, direction_rank=2, lr=1.0).step(quadratic_losses(model))
    assert torch.linalg.matrix_rank(model.second - before, rtol=1e-4) == 2


def test_directions_are_averaged_not_summed():
    model = Weights()
    record = optimizer(model, num_directions=4).step(quadratic_losses(model))
    torch.testing.assert_close(record.coefficients, record.projected_grads.mean(1) / 4)


def test_a_mask_of_all_weights_trains_as_none_does():
    plain, masked = Weights(), Weights()
    everything = {name: weight for name, weight in plain.named_parameters() if weight.ndim == 2}
    full = Mask(
        {name: torch.arange(weight.numel()) for name, weight in everything.items()},
        {name: tuple(weight.shape) for name, weight in everything.items()},
    )
    for model, mask, names in ((plain, None, everything), (masked, full, dict(masked.named_parameters()))):
        names = {name: dict(model.named_parameters())[name] for name in names}
        engine = ZerothOrderOptimizer(names.items(), lr=1e-2, run_seed=0, mask=mask)
        for _ in range(3):
            engine.step(quadratic_losses(model))
    assert bits(plain) == bits(masked)


@pytest.mark.parametrize(
    "settings",
    [
        {"lr": 0.01},
        {"lr": 0.005, "step": "momentum", "momentum": 0.5},
        {"lr": 0.03, "step": "adam"},
        {"lr": 0.07, "step": "sign", "schedule": "linear", "num_steps": 300},
        {"lr": 0.02, "num_directions": 4},
        {"lr": 0.01, "sides": "one"},
        {"lr": 0.02, "direction": "subspace", "direction_rank": 2, "direction_period": 10},
        {"lr": 0.05, "normalization": "std", "direction": "rademacher", "sides": "one", "num_directions": 8},
    ],
    ids=str,
)
def test_training_nears_the_minimum_of_a_quadratic(settings):
    model = Weights(width=4)
    engine = optimizer(model, **settings)
    losses = quadratic_losses(model, tasks=1)
    start = losses().item()
    for _ in range(300):
        engine.step(losses)
    assert losses().item() < 0.25 * start


def test_learning_rates_follow_the_schedule():
    for schedule, wanted in (("constant", [1.0] * 4), ("linear", [1.0, 0.75, 0.5, 0.25])):
        model = Weights()
        engine = optimizer(model, lr=1.0, schedule=schedule, num_steps=4)
        assert [engine.step(lambda: torch.zeros(1)).lr for _ in range(4)] == wanted


def test_a_schedule_that_falls_ends_with_the_run():
    engine = optimizer(Weights(), schedule="linear", num_steps=1)
    engine.step(lambda: torch.zeros(1))
    with pytest.raises(ConfigError, match="num_steps: a schedule that falls ends after 1 steps"):
        engine.step(lambda: torch.zeros(1))


NAMES = ("direction", "sides", "normalization", "step", "schedule", "weighting", "mask_mode", "precision")


@pytest.mark.parametrize("key", NAMES)
def test_an_unknown_name_raises_and_lists_the_known_ones(key):
    with pytest.raises(ConfigError, match=f"{key}: wanted one of .*; found 'conservative'"):
        optimizer(Weights(), **{key: "conservative"})


def test_a_loss_that_is_not_finite_stops_the_run_with_weights_as_before():
    model = Weights()
    engine = optimizer(model)
    before = bits(model)
    with pytest.raises(TrainingError, match=r"step 0: wanted finite task losses.*lr \(now 0.01\).*eps \(now 0.001\)"):
        engine.step(lambda: torch.tensor([1.0, float("nan")]))
    assert bits(model) == before


@pytest.mark.parametrize("masked", [False, True])
def test_a_weighting_that_fails_leaves_the_weights_as_before(masked):
    model = Weights()
    engine = optimizer(model, masked=masked, weighting="famo")
    before = bits(model)
    with pytest.raises(TrainingError, match="famo wants losses of at least 0"):
        engine.step(lambda: -quadratic_losses(model)())
    assert bits(model) == before


def test_validation_losses_are_measured_at_theta():
    model = Weights()
    engine = optimizer(model, weighting="coba", weighting_options={"warm_up": 2, "history": 3})
    before, seen = bits(model), []

    def validation() -> torch.Tensor:
        seen.append(bits(model))
        return quadratic_losses(model)()

    engine.step(quadratic_losses(model), validation)
    assert seen == [before]


def test_a_mask_of_another_model_is_refused():
    mask = mask_of(Weights(width=8))
    with pytest.raises(MaskError, match=r"first: wanted the mask's shape \(4, 8\), found \(4, 16\)"):
        ZerothOrderOptimizer(Weights().named_parameters(), lr=1.0, run_seed=0, mask=mask)
    with pytest.raises(MaskError, match="wanted a parameter 'first'"):
        ZerothOrderOptimizer([], lr=1.0, run_seed=0, mask=mask)


def test_no_global_random_stream_is_read_or_moved():
    state = torch.get_rng_state()
    trained(2)
    assert torch.equal(state, torch.get_rng_state())


def test_a_trained_tensor_under_two_names_is_refused():
    model = Weights()
    twice = [*model.named_parameters(), ("tied", model.first)]
    with pytest.raises(ConfigError, match="found first and tied in one place"):
        ZerothOrderOptimizer(twice, lr=0.1, run_seed=0)
    ZerothOrderOptimizer(twice, lr=0.1, run_seed=0, mask=mask_of(model))  # leaves the second name out
