import json

import pytest
from hand_made import record, suite

import mazo
from mazo.config import select_run
from mazo.digests import package_digest
from mazo.errors import DataError
from mazo.records import Record, StageCost, make_record, measured, read_cost, read_record, write_record

METRICS = {
    "rte": {"score": 0.5, "stderr": 0.1, "n": 10, "num_cut": 0},
    "squad": {"score": 1.0, "stderr": None, "n": 5, "num_cut": 2},
}


def made() -> Record:
    run = select_run(suite(), model="m", mix="two", method="mazo", seed=2)
    costs = {"train": StageCost(seconds=2.5, peak_memory=7)}
    return make_record(run, metrics=METRICS, optimizer="sgd", forwards=12, trained_weights=34, stages=costs)


def test_a_record_comes_back_from_its_file_as_it_was(tmp_path):
    write_record(made(), tmp_path / "record.json")
    assert read_record(tmp_path / "record.json") == made()


def test_a_record_says_what_ran_with_what_and_at_what_cost():
    content = json.loads(made().model_dump_json())
    assert content["run"]["method"]["lr"] == 0.001
    assert content["run"]["seed"] == 2
    assert (content["optimizer"], content["forwards"], content["trained_weights"]) == ("sgd", 12, 34)
    assert content["stages"]["train"] == {"seconds": 2.5, "peak_memory": 7}
    assert (content["version"], content["code_digest"]) == (mazo.__version__, package_digest())
    assert set(content["libraries"]) >= {"python", "torch", "transformers", "lm_eval"}
    assert content["hardware"]["cores"] >= 1
    assert content["run"]["model"]["dtype"] == "float32"


def test_the_mean_is_the_plain_mean_over_tasks():
    assert made().mean == 0.75


def test_the_settings_digest_follows_the_settings():
    other = select_run(suite(), model="m", mix="two", method="mtl_zo", seed=2)
    assert make_record(
        other, metrics=METRICS, optimizer="", forwards=0, trained_weights=0, stages={}
    ).settings_digest != (made().settings_digest)


def test_a_record_that_is_absent_or_damaged_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone.json: a run's record cannot be read \(No such file"):
        read_record(tmp_path / "gone.json")
    write_record(record("mazo", 0, {"rte": 0.5}), tmp_path / "record.json")
    content = json.loads((tmp_path / "record.json").read_text())
    content["metrics"]["rte"]["score"] = "high"
    (tmp_path / "record.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"metrics.rte.score"):
        read_record(tmp_path / "record.json")


def test_a_measured_block_leaves_its_seconds_and_peak_memory(tmp_path):
    with measured(tmp_path / "score.json"):
        pass
    cost = read_cost(tmp_path / "score.json")
    assert cost.seconds >= 0
    assert cost.peak_memory > 10_000_000  # a Python process with this package holds more than 10 MB


def test_a_block_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), measured(tmp_path / "score.json"):
        _ = 1 / 0
    assert not (tmp_path / "score.json").exists()
