"""The scoring stage, killed and taken up again."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from prepared import prepare_with_toy_model

import mazo.importance.score
from mazo.config import ModelSettings, Run, select_run
from mazo.configfile import parse_suite
from mazo.importance import score_tasks
from mazo.maskable import maskable_weights
from mazo.masks import Mask, jaccard, mask_from_scores
from mazo.methods import ScoreSettings
from mazo.models import load_model
from mazo.stages import score

CELL = {"model": "m", "mix": "two", "method": "mazo", "seed": 0}
KILLED_AT_ITS_FOURTH_PART = """
import os, signal, sys
from mazo.cli import main
from mazo.importance.parts import PartFiles

put = PartFiles.__setitem__

def put_and_die(self, name, tensor):
    put(self, name, tensor)
    if len(list(self._folder.iterdir())) == 4:
        os.kill(os.getpid(), signal.SIGKILL)

PartFiles.__setitem__ = put_and_die
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare_with_toy_model(tmp_path_factory.mktemp("data"))


def content(data: Path, *, layers_at_once: int | None = None, alpha: float = 1.0) -> dict:
    return {
        "suite": "killed",
        "models": {"m": {"path": str(data / "model")}},
        "mixes": {"two": ["rte", "copa"]},
        "methods": {
            "mazo": {
                "kind": "zeroth_order",
                "lr": 1e-3,
                "mask": {"scores": {"calibration_examples": 3, "alpha": alpha}},
            }
        },
        "seeds": [0],
        "scoring": {"layers_at_once": layers_at_once},
    }


def run_of(data: Path, **settings: object) -> Run:
    return select_run(parse_suite(content(data, **settings), where="test"), **CELL)


@pytest.fixture(scope="module")
def uninterrupted(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "scores.safetensors"
    score.run(run_of(data), data=data, out=out)
    return out.read_bytes()


@pytest.fixture
def killed(data, tmp_path):
    """A scoring of one layer at a time, killed as its fourth layer was done: where it was to write."""
    config, out = tmp_path / "config.json", tmp_path / "run" / "scores.safetensors"
    config.write_text(json.dumps(content(data, layers_at_once=1)))
    options = {"config": config, **CELL, "data": data, "out": out}
    command = [sys.executable, "-c", KILLED_AT_ITS_FOURTH_PART, "score"]
    command += [word for option, value in options.items() for word in (f"--{option}", str(value))]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == -9, ended.stderr
    assert not out.exists() and len(list(out.parent.glob("scores.parts/*/*"))) == 4
    return out


def count_scored(monkeypatch) -> list:
    scored, layer_score = [], mazo.importance.score.layer_score

    def watch(layer, name, *args, **kwargs):
        scored.append(name)
        return layer_score(layer, name, *args, **kwargs)

    monkeypatch.setattr(mazo.importance.score, "layer_score", watch)
    return scored


def test_a_killed_scoring_goes_on_where_it_stopped_to_the_same_file(killed, data, uninterrupted, monkeypatch):
    scored = count_scored(monkeypatch)
    score.run(run_of(data), data=data, out=killed)
    assert killed.read_bytes() == uninterrupted
    assert len(scored) == 2 * (2 * 7 - 4)
    assert sorted(file.name for file in killed.parent.iterdir()) == ["score.json", "scores.safetensors"]


def test_with_another_setting_nothing_of_a_killed_scoring_is_used(killed, data, uninterrupted, monkeypatch):
    scored = count_scored(monkeypatch)
    score.run(run_of(data, alpha=2.0), data=data, out=killed)
    assert len(scored) == 2 * 2 * 7
    assert killed.read_bytes() != uninterrupted


def test_another_model_or_other_examples_have_another_key(data):
    run = run_of(data)
    model, tokenizer = load_model(run.model)
    settings = {"data": data, "max_length": 512, "micro_batch": 8, "seed": 0}
    batches = score.calibration_batches(tokenizer, run.tasks, num_examples=3, **settings)
    others = score.calibration_batches(tokenizer, run.tasks, num_examples=2, **settings)
    key = score.scoring_key(run, model, batches)
    assert key == score.scoring_key(run_of(data, layers_at_once=2), model, batches)
    assert key != score.scoring_key(run, model, others)
    model.model.layers[1].mlp.up_proj.weight[3, 4] += 1e-3
    assert key != score.scoring_key(run, model, batches)


def test_by_default_the_embedded_models_mask_is_not_the_magnitudes_and_depends_on_the_task(data):
    model, tokenizer = load_model(ModelSettings(path="embedded:llama"))
    draw = {"num_examples": 12, "max_length": 512, "micro_batch": 64, "seed": 0}
    batches = score.calibration_batches(tokenizer, ["rte", "copa"], data=data, **draw)

    def mask(tasks: list[str], **settings: object) -> Mask:
        scores = score_tasks(model, {task: batches[task] for task in tasks}, settings=ScoreSettings(**settings))
        return mask_from_scores(scores, density=0.1)

    def overlap(first: Mask, second: Mask) -> float:
        return statistics.mean(jaccard(first, second).values())

    sizes = mask_from_scores({name: weight.abs() for name, weight in maskable_weights(model).items()}, density=0.1)
    default = mask(["rte", "copa"])
    assert overlap(default, sizes) < 0.2  # 0.053 by chance
    assert overlap(mask(["rte"]), mask(["copa"])) < 0.5
    assert 0.7 < overlap(default, mask(["rte", "copa"], beta=0.0)) < 0.99  # the magnitude still takes part
    assert overlap(mask(["rte", "copa"], part_normalization="none"), sizes) > 0.9
