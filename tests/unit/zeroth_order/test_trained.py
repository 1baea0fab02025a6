"""Which tensors kernels write in one call, and that threads are over when it ends."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest
import torch
from toy_problem import Weights, bits, mask_of

from mazo.zeroth_order import cpu_kernels, direction
from mazo.zeroth_order.direction import FACTORED, Direction
from mazo.zeroth_order.groups import grouped
from mazo.zeroth_order.hold import hold
from mazo.zeroth_order.steps import make_step
from mazo.zeroth_order.targets import Stretch, Target
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

        def counted(this, keys, alphas, **settings):
            self.sizes.append(len(keys))
            write_(this, keys, alphas, **settings)

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
        (Weights(torch.bfloat16), {}, "gaussian", [], [3], ()),  # the copy is float32
        (Weights(torch.bfloat16), {"precision": "in_place"}, "gaussian", [], [], ALL),
        (Weights(), {}, "low_rank", [1], [1], ("first", "second")),
        (Weights(), {"density": 0.4, "mode": "update"}, "gaussian", [3], [], ALL),
    ]:
        trained = held(model, **settings)
        z = along(model, trained, distribution)
        calls.sizes.clear()
        trained.move_(z, start=0.0, end=0.5)
        assert [size for size in calls.sizes if size in moved] == moved
        calls.sizes.clear()
        assert tuple(trained.step_(z, coefficient=1.0, lr=0.1, weight_decay=0.0, start=0.0)) == left
        assert calls.sizes == stepped


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


def test_threads_are_over_when_an_error_is_told(monkeypatch):
    weights = torch.zeros(100 * 256)
    stretches = [
        Stretch(0, start, 256, Target(weights[start : start + 256], weights[start : start + 256]))
        for start in range(0, len(weights), 256)
    ]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    begun, goes_on, ended = threading.Event(), threading.Event(), []

    class Pool(ThreadPoolExecutor):
        def submit(self, write, *given):
            if begun.is_set():
                threading.Timer(0.05, goes_on.set).start()
                raise RuntimeError("can't start new thread")
            begun.set()
            return super().submit(lambda: (goes_on.wait(10), write(*given), ended.append("first")))

    with Pool(2) as pool:
        monkeypatch.setattr(cpu_kernels, "_pool", lambda: pool)
        with pytest.raises(RuntimeError, match="new thread"):
            cpu_kernels.Pass(stretches, signs=False).write_(np.zeros((1, 2), np.uint64), np.ones(1, np.float32))
        assert ended == ["first"]
    assert weights.count_nonzero() == len(weights)
