"""From settings to a mask file, by every rule."""

import pytest
import torch
from prepared import prepare_with_toy_model
from safetensors import safe_open
from safetensors.torch import save_file

from mazo.config import select_run
from mazo.configfile import parse_suite
from mazo.errors import ConfigError, DataError
from mazo.masks import load_mask
from mazo.scores import load_scores
from mazo.stages import mask, score

SCORED, UNSCORED = ("importance", "wanda"), ("random", "smallest", "largest", "sparse_mezo", "layer")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare_with_toy_model(tmp_path_factory.mktemp("data"))


def run_of(data, rule):
    method = {"kind": "zeroth_order", "lr": 1e-3, "mask": {"rule": rule, "scores": {"calibration_examples": 2}}}
    content = {
        "suite": "masks",
        "models": {"m": {"path": str(data / "model")}},
        "mixes": {"two": ["rte", "copa"]},
        "methods": {"control": method},
        "seeds": [0],
    }
    return select_run(parse_suite(content, where="test"), model="m", mix="two", method="control", seed=0)


@pytest.mark.parametrize("rule", [*SCORED, *UNSCORED])
def test_a_mask_file_states_its_rule_and_differs_from_every_other_rules(data, tmp_path, rule):
    hashes = {}
    for other in {rule, "importance"}:
        run, scores = run_of(data, other), None
        if other in SCORED:
            scores = tmp_path / f"{other}.safetensors"
            score.run(run, data=data, out=scores)
        mask.run(run, scores=scores, out=tmp_path / other)
        made = load_mask(tmp_path / other)
        hashes[other] = made.hash()
        assert made.settings["rule"] == made.summary()["rule"] == other
        assert made.density == pytest.approx(0.5 if other == "layer" else 0.12, abs=0.02)
    assert len(set(hashes.values())) == len(hashes)


@pytest.mark.parametrize("rule", UNSCORED)
def test_scores_are_wanted_exactly_where_the_rule_reads_them(data, tmp_path, rule):
    with pytest.raises(ConfigError, match=f"--scores: wanted none for mask.rule {rule}; found"):
        mask.run(run_of(data, rule), scores=tmp_path / "scores", out=tmp_path / "mask")
    with pytest.raises(ConfigError, match=r"--scores: wanted a file for mask.rule wanda; found none"):
        mask.run(run_of(data, "wanda"), scores=None, out=tmp_path / "mask")


def test_scores_that_are_others_than_written_or_have_no_hash_are_refused(data, tmp_path):
    run, file = run_of(data, "wanda"), tmp_path / "scores.safetensors"
    score.run(run, data=data, out=file)
    scores, model = load_scores(file)
    for changed in (scores | {"more": torch.ones(1, 2)}, {name: matrix + 1 for name, matrix in scores.items()}):
        with safe_open(file, framework="pt") as whole:
            save_file(changed, tmp_path / "changed", metadata=whole.metadata())
        with pytest.raises(DataError, match=r"changed: wanted hash .*; the file is damaged, score again"):
            mask.run(run, scores=tmp_path / "changed", out=tmp_path / "mask")
    save_file(scores, tmp_path / "unmarked", metadata={"model": model})
    with pytest.raises(DataError, match=r"unmarked: wanted scores of format mazo-scores-1; found tensors without one"):
        mask.run(run, scores=tmp_path / "unmarked", out=tmp_path / "mask")
    assert not (tmp_path / "mask").exists()
