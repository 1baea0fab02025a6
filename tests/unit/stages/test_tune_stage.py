"""A method's trials, and that neither they nor anything before the evaluation reads a test row."""

import shutil

import pytest
from prepared import prepare_with_toy_model

from mazo.config import select_run
from mazo.configfile import parse_suite
from mazo.ledger import final_dev_loss
from mazo.stages import mask, score, train, tune
from mazo.tuning import read_tuning

METHODS = {
    "mtl_zo": {"kind": "zeroth_order", "lr": 1e-5},
    "mazo": {"kind": "zeroth_order", "lr": 1e-3, "mask": {"scores": {"calibration_examples": 2}}},
    "single": {"kind": "zeroth_order", "lr": 1e-5, "scope": "single_task"},
    "first": {"kind": "first_order", "lr": 1e-3, "num_steps": 2},
}
LRS = {name: [1e-4, 1e18] for name in METHODS} | {"mazo": [1e-4, 1e38]}
"""The second makes all but AdamW diverge: its step is at most lr long, and the norms after it hold losses finite."""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare_with_toy_model(tmp_path_factory.mktemp("data"))


def tiny(data, **changes):
    content = {
        "suite": "tiny",
        "models": {"m": {"path": str(data / "model")}},
        "mixes": {"two": ["rte", "copa"]},
        "methods": METHODS,
        "seeds": [0],
        "data": {"train": 12, "dev": 6, "test": 12},
        "training": {"num_steps": 4, "batch_per_task": 2, "dev_every": 2, "dev_examples": 2},
        "tune": {"grids": {name: {"lr": lrs} for name, lrs in LRS.items()}, "seed": 7},
    }
    return parse_suite(content | changes, where="test")


def trials_of(data, method, out, **changes):
    tune.run(tiny(data, **changes), model="m", mix="two", method=method, data=data, out=out)
    return read_tuning(out)


def test_a_trial_is_the_run_that_training_would_do_at_the_tunings_seed(data, tmp_path):
    found = trials_of(data, "mtl_zo", tmp_path / "t.json").trials[0]
    methods = METHODS | {"mtl_zo": METHODS["mtl_zo"] | {"lr": LRS["mtl_zo"][0]}}
    training = {"num_steps": 4, "batch_per_task": 2, "dev_every": 4, "dev_examples": 6}
    suite = tiny(data, methods=methods, seeds=[7], tune={}, training=training)
    train.run(
        select_run(suite, model="m", mix="two", method="mtl_zo", seed=7), data=data, mask=None, out=tmp_path / "run"
    )
    assert found.settings == {"lr": LRS["mtl_zo"][0]}
    assert found.dev_loss == final_dev_loss(tmp_path / "run" / "curve.csv")


@pytest.mark.parametrize("method", METHODS)
def test_a_trial_that_diverges_is_recorded_and_nothing_else_is_left_behind(data, tmp_path, method):
    tuning = trials_of(data, method, tmp_path / "tune" / "t.json")
    assert [trial.settings["lr"] for trial in tuning.trials] == LRS[method]
    assert tuning.trials[0].dev_loss is not None
    assert tuning.trials[0].fault is None
    if method != "first":
        assert tuning.best is tuning.trials[0]
        assert tuning.trials[1].dev_loss is None
        assert "wanted finite task losses" in tuning.trials[1].fault
    assert [path.name for path in tmp_path.rglob("*")] == ["tune", "t.json"]
    assert tuning.trials[0].steps == (2 if method == "first" else 4)


def test_settings_tuned_before_do_not_touch_the_trials(data, tmp_path):
    tuned = {"m": {"two": {"mtl_zo": {"lr": 1e-2, "eps": 1e-1}}}}
    plain, again = (
        trials_of(data, "mtl_zo", tmp_path / f"{i}.json", **changes) for i, changes in enumerate([{}, {"tuned": tuned}])
    )
    assert [trial.dev_loss for trial in plain.trials] == [trial.dev_loss for trial in again.trials]


def test_scores_mask_training_and_tuning_read_no_test_row(data, tmp_path):
    poisoned = tmp_path / "poisoned"
    shutil.copytree(data, poisoned)
    for file in poisoned.glob("*/test.jsonl"):
        file.write_text("this is no row\n")
    assert len(list(poisoned.glob("*/test.jsonl"))) == 2
    for folder in (data, poisoned):
        out = tmp_path / folder.name
        run = select_run(tiny(data), model="m", mix="two", method="mazo", seed=0)
        score.run(run, data=folder, out=out / "out" / "scores.safetensors")
        mask.run(run, scores=out / "out" / "scores.safetensors", out=out / "out" / "mask.safetensors")
        train.run(run, data=folder, mask=out / "out" / "mask.safetensors", out=out / "out")
        tune.run(tiny(data), model="m", mix="two", method="mazo", data=folder, out=out / "out" / "tune.json")
    for name in ("scores.safetensors", "mask.safetensors", "steps.log", "curve.csv"):
        files = [tmp_path / folder.name / "out" / name for folder in (data, poisoned)]
        assert files[0].read_bytes() == files[1].read_bytes(), name
    intact, poisoned_too = (read_tuning(tmp_path / folder.name / "out" / "tune.json") for folder in (data, poisoned))
    assert [trial.dev_loss for trial in intact.trials] == [trial.dev_loss for trial in poisoned_too.trials]
