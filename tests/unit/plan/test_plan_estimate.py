"""A plan against runs: what their own records count is what was planned."""

import json
from pathlib import Path

import pytest
from hand_made import suite
from prepared import prepare_with_toy_model

from mazo.config import Suite
from mazo.configfile import load_suite
from mazo.grid import is_masked, is_scored, runs
from mazo.methods import FirstOrder, ZerothOrder
from mazo.plan.cards import find_card
from mazo.plan.estimate import plan_run, plan_suite
from mazo.plan.shape import model_shape
from mazo.stages import mask, score, train

CONFIG = Path(__file__).resolve().parents[3] / "config"
SUITES = ("mini", "controls", "adapters", "weightings", "optimizers")
TASKS = ["rte", "copa"]


def methods() -> dict[str, dict]:
    """Every method of the suites that trains, with CoBa's window inside a run of three steps."""
    found = {}
    for name in SUITES:
        for key, method in load_suite(CONFIG / f"{name}.yaml").methods.items():
            if isinstance(method, ZerothOrder | FirstOrder):
                found[f"{name}-{key}"] = method.model_dump(exclude_none=True) | {
                    "coba": method.coba.model_dump() | ({"warm_up": 2} if method.weighting == "coba" else {}),
                    **({"num_steps": 3} if getattr(method, "num_steps", None) else {}),
                }
    return found


METHODS = methods()


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return prepare_with_toy_model(tmp_path_factory.mktemp("toy"))


def small(toy: Path, method: dict) -> Suite:
    return suite(
        models={"m": {"path": str(toy / "model")}},
        mixes={"two": TASKS},
        methods={"own": method},
        reference="own",
        seeds=[0],
        training={"num_steps": 3, "batch_per_task": 1, "dev_every": 2, "dev_examples": 1},
    )


@pytest.mark.parametrize("name", METHODS)
def test_forwards_and_trained_weights_are_those_that_training_counts(name, toy, tmp_path):
    run = next(iter(runs(small(toy, METHODS[name]))))
    plan = plan_run(run, model_shape(run.model), cards={})
    kept = tmp_path / "mask.safetensors" if is_masked(run) else None
    scores = tmp_path / "scores.safetensors" if is_scored(run) else None
    if scores:
        score.run(run, data=toy, out=scores)
    if kept:
        mask.run(run, scores=scores, out=kept)
    train.run(run, data=toy, mask=kept, out=tmp_path)
    counted = json.loads((tmp_path / "train.json").read_text())
    assert (plan.work.forwards, plan.trained) == (counted["forwards"], counted["trained_weights"])
    assert plan.run.training.num_steps == 3


def test_the_mini_suite_is_planned_row_by_row(toy):
    mini = load_suite(CONFIG / "mini.yaml")
    rows = plan_suite(mini, cards={"l4": find_card("l4")})
    assert [(row.method, len(row.plans), row.forwards) for row in rows] == [
        ("zero_shot", 1, 0),
        ("mtl_zo", 3, 3 * 2 * 1000),
        ("mazo", 3, 3 * 2 * 1000),
    ]
    zero_shot, mtl_zo, mazo = rows
    assert (mtl_zo.trained, mazo.trained) == (755_456, 66_560)
    assert set(zero_shot.plans[0].memory) == {"evaluate"}
    assert set(mazo.plans[0].memory) == {"score", "train", "evaluate"}
    # 36 bytes a step for eight tasks, and the samples.
    assert mtl_zo.plans[0].disk == 36 * 1000 + 300 * 8 * 1000
    assert 0 < mazo.hours("l4") < mtl_zo.hours("l4")
    assert mazo.drawing_hours == mtl_zo.drawing_hours == 0


def test_measured_lengths_replace_the_typical_ones(toy, tmp_path):
    own = {"read": 1, "rows": 3, "mean_read": 100.0, "most_tokens": 200}
    tasks = {task: dict.fromkeys(("train", "dev", "test"), own) for task in TASKS}
    (tmp_path / "m.json").write_text(json.dumps({"tasks": tasks}))
    run = next(iter(runs(small(toy, {"kind": "zeroth_order", "lr": 1e-3}))))
    shape = model_shape(run.model)
    plan = plan_run(run, shape, cards={}, measured=tmp_path / "m.json")
    assert plan.work.train_tokens == 3 * 2 * 2 * 100
    assert plan.work.train_tokens > plan_run(run, shape, cards={}).work.train_tokens
