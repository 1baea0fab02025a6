"""Which tensors kernels write in one call, and that all is written when it ends."""

import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest
import torch
from toy_problem import Weights, bits, mask_of, quadratic_losses

from mazo import ZerothOrderOptimizer
from mazo.errors import ConfigError
from mazo.zeroth_order import cpu_kernels, direction
from mazo.zeroth_order.direction import FACTORED, Direction
from mazo.zeroth_order.groups import grouped
from mazo.zeroth_order.hold import hold
from mazo.zeroth_order.steps import make_step
from mazo.zeroth_order.targets import Factors, Stretch, Target
from mazo.zeroth_order.trained import Trained
from mazo.zeroth_order.update import update_
from mazo.zeroth_order.write import makes_numbers

pytestmark = pytest.mark.skipif(
    not makes_numbers(torch.device("cpu")), reason="needs a C compiler when the package is installed"
)

ALL = ("first", "second", "norm")


def held(model: Weights, *, density: float | None = None, mode: str = "direction", precision: str = "master"):
    mask = None if density is None else mask_of(model, density=density)
    return hold(dict(model.named_parameters()), mask=mask, mask_mode=mode, precision=precision)


def along(model: Weights, trained: Trained, distribution: str = "gaussian") -> Direction:
    shapes = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
    factored = FACTORED[distribution](shapes, rank=2, period=1) if distribution in FACTORED else None
    return Direction(0, 0, 0, distribution, {name: tensor.size for name, tensor in trained.items()}, factored)


class Calls:
    """The names of the tensors that each call of the kernels writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        write_ = cpu_kernels.Pass.write_

        def counted(this, keys, alphas, factors):
            self.sizes.append(len(keys))
            write_(this, keys, alphas, factors)

        monkeypatch.setattr(cpu_kernels.Pass, "write_", counted)


@pytest.mark.parametrize("precision", ["master", "in_place"])
@pytest.mark.parametrize(("density", "tensors"), [(None, 3), (0.4, 2)])
def test_a_move_and_a_step_are_a_call_each_for_all_tensors(density, tensors, precision, monkeypatch):
    model = Weights()
    trained = held(model, density=density, precision=precision)
    z, calls = along(model, trained), Calls(monkeypatch)
    trained.move_(z, start=0.0, end=0.5)
    assert trained.step_(z, coefficient=1.0, lr=0.1, weight_decay=0.0, start=0.0) == {}
    assert calls.sizes == [tensors, tensors]


def test_what_kernels_cannot_write_is_left_to_others(monkeypatch):
    calls = Calls(monkeypatch)
    for model, settings, distribution, moved, stepped, left in [
        (Weights(torch.bfloat16), {}, "gaussian", 0, 3, ()),  # the copy is float32
        (Weights(torch.bfloat16), {"precision": "in_place"}, "gaussian", 0, 0, ALL),
        (Weights(), {}, "low_rank", 1, 1, ("first", "second")),
        (Weights(), {"density": 0.4, "mode": "update"}, "gaussian", 3, 0, ALL),
    ]:
        trained = held(model, **settings)
        z = along(model, trained, distribution)
        calls.sizes.clear()
        trained.move_(z, start=0.0, end=0.5)
        # Numbers wanted in memory are a call each.
        assert calls.sizes == ([moved] if moved else [1] * 3)
        calls.sizes.clear()
        assert tuple(trained.step_(z, coefficient=1.0, lr=0.1, weight_decay=0.0, start=0.0)) == left
        assert calls.sizes == ([stepped] if stepped else [])


@pytest.mark.parametrize("step", ["momentum", "adam", "sign"])
def test_weights_in_place_go_back_in_one_call_under_any_rule(step, monkeypatch):
    model = Weights()
    engine = ZerothOrderOptimizer(model.named_parameters(), lr=0.1, run_seed=0, precision="in_place", step=step)
    calls = Calls(monkeypatch)
    engine.step(quadratic_losses(model))
    assert calls.sizes == [3, 3, 3, *[1] * 3]  # two moves and the way back; then each tensor's gradient in memory


def test_weights_shared_with_other_processes_are_found_where_they_went():
    model, other = Weights(), Weights()
    ends = []
    for shared in (True, False):
        model = Weights()
        engine = ZerothOrderOptimizer(model.named_parameters(), lr=0.1, run_seed=0)
        engine.step(quadratic_losses(model), settle=False)
        if shared:
            for weight in model.parameters():
                weight.share_memory_()
        engine.step(quadratic_losses(model))
        ends.append(bits(model))
    assert ends[0] == ends[1] != bits(other)


@pytest.mark.parametrize("sides", ["two", "one"])
def test_losses_of_another_number_at_the_second_point_leave_the_weights_in_place(sides):
    model, calls = Weights(), []

    def losses():
        calls.append(None)
        return torch.ones(len(calls))

    engine = ZerothOrderOptimizer(
        model.named_parameters(), lr=0.1, run_seed=0, eps=0.5, sides=sides, precision="in_place"
    )
    with pytest.raises(RuntimeError):
        engine.step(losses)
    assert (model.flat() - Weights().flat()).abs().max() < 1e-5


def test_a_step_that_is_none_of_the_schedules_is_refused_before_anything_moves():
    model = Weights()
    settings = {"lr": 0.1, "run_seed": 0, "precision": "in_place", "schedule": "linear", "num_steps": 1}
    engine = ZerothOrderOptimizer(model.named_parameters(), **settings)
    engine.repeat_(torch.tensor([0.5]))
    before = bits(model)
    with pytest.raises(ConfigError, match="num_steps"):
        engine.repeat_(torch.tensor([0.5]))
    with pytest.raises(ValueError, match="wanted 1, one a direction; found 2"):
        engine.repeat_(torch.tensor([0.5, 0.5]))
    assert bits(model) == before


def test_directions_of_another_kind_are_laid_out_anew():
    model, other = Weights(), Weights()
    trained = held(model)
    for distribution in ("gaussian", "rademacher"):
        trained.move_(along(model, trained, distribution), start=0.0, end=0.5)
    fresh = held(other)
    fresh.move_(along(other, fresh, "rademacher"), start=0.0, end=0.5)
    assert bits(model) == bits(other)


@pytest.mark.parametrize(
    "copied", [deepcopy, lambda trained: pickle.loads(pickle.dumps(trained))], ids=["copy", "pickle"]
)
def test_a_copy_leaves_the_weights_of_what_it_was_copied_from(copied):
    model = Weights()
    trained = held(model, density=0.4)
    z = along(model, trained)
    trained.move_(z, start=0.0, end=0.5)
    before, other = bits(model), copied(trained)
    other.move_(z, start=0.5, end=-0.5)
    assert bits(model) == before
    trained.move_(z, start=0.5, end=-0.5)
    assert torch.equal(other["first"]._flat, model.first.flatten()) and bits(model) != before


def test_a_group_is_moved_with_the_others_as_far_as_its_own_multiple(monkeypatch):
    ends = []
    for by_kernels in (True, False):
        monkeypatch.setattr(direction, "makes_numbers", lambda device, answer=by_kernels: answer)
        model = Weights()
        trained = grouped(held(model, precision="in_place"), {"norm": {"eps": 1 / 3}})
        calls = Calls(monkeypatch)
        z = along(model, trained)
        trained.move_(z, start=0.0, end=0.1)
        trained.move_(z, start=0.1, end=-0.1)
        assert calls.sizes == ([3, 3] if by_kernels else [])
        ends.append(bits(model))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("settings", [{}, {"density": 0.4}, {"density": 0.4, "mode": "update"}], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_step_in_place_begins_with_the_way_back(settings, dtype):
    ends = []
    for returns in (True, False):
        model = Weights(dtype)
        trained = held(model, precision="in_place", **settings)
        z = along(model, trained)
        trained.move_(z, start=0.0, end=-0.3)
        if not returns:
            trained.move_(z, start=-0.3, end=0.0)
        engine_step(trained, z, start=-0.3 if returns else 0.0)
        ends.append(bits(model))
    assert ends[0] == ends[1]


def engine_step(trained: Trained, z: Direction, *, start: float) -> None:
    rule = make_step("sgd", momentum=0.0)
    update_(trained, [z], [0.7], rule=rule, lr=0.1, weight_decay=0.01, settle=True, start=start)


def test_fewer_threads_than_wanted_write_everything(monkeypatch):
    weights = torch.zeros(100 * 256)
    stretches = [
        Stretch(0, start, 256, Target(weights[start : start + 256], weights[start : start + 256]))
        for start in range(0, len(weights), 256)
    ]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    begun, ended = threading.Event(), []

    class Pool(ThreadPoolExecutor):
        def submit(self, write, *given):
            if begun.is_set():
                raise RuntimeError("can't start new thread")
            begun.set()
            return super().submit(lambda: (time.sleep(0.05), write(*given), ended.append("first")))

    with Pool(2) as pool:
        monkeypatch.setattr(cpu_kernels, "_pool", lambda threads: pool)
        alone = cpu_kernels.Pass(stretches, signs=False)
        alone.write_(np.zeros((1, 2), np.uint64), np.ones(1, np.float32), Factors())
        assert ended == ["first"]
    assert weights.count_nonzero() == len(weights)


FORKED = """
import os, torch
from torch import nn
from mazo import ZerothOrderOptimizer

torch.set_num_threads(2)
model = nn.Linear(1000, 1000).requires_grad_(False)
engine = ZerothOrderOptimizer(model.named_parameters(), lr=0.1, run_seed=0)
engine.step(lambda: torch.ones(1), settle=False)
if child := os.fork():
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
engine.step(lambda: torch.ones(1), settle=False)  # torch's own threads do not outlive a fork
os._exit(7)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_threads_of_its_own():
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], timeout=60, check=False)
    assert done.returncode == 7
