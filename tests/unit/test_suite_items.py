import json

import numpy as np
import pytest
from hand_made import CONTENT, suite
from samples_by_hand import write_all

from mazo.comparison import compare
from mazo.errors import DataError
from mazo.grid import runs
from mazo.suite_items import SuiteItems, write_reduced

ALONE = {"kind": "zeroth_order", "lr": 1e-3, "scope": "single_task"}
SUITE = suite(methods=CONTENT["methods"] | {"alone": ALONE}, statistics={"resamples": 200})
ONE_THIRD = 1 / 3
SCORES = {
    "zero_shot": [{"rte": [0.0, 0.0, 1.0], "squad": [ONE_THIRD, 0.1]}],
    **{name: [{"rte": [1.0, 0.0, 1.0], "squad": [0.1 + 0.2, 1.0]}] * 3 for name in ("mtl_zo", "mazo", "alone@rte")},
    "alone@squad": [{"rte": [0.0, 1.0, 1.0], "squad": [1.0, 1.0]}] * 3,
}


@pytest.fixture
def places(tmp_path):
    """Samples as runs leave them, and the same reduced."""
    write_all(SUITE, tmp_path / "raw", SCORES)
    write_reduced(SUITE, tmp_path / "raw", tmp_path / "reduced" / "samples.json")
    return tmp_path / "raw", tmp_path / "reduced"


def test_reduced_samples_are_the_runs_items_to_the_last_bit(places):
    raw, reduced = map(SuiteItems, places)
    for run in runs(SUITE):
        assert list(reduced.of(run)) == list(raw.of(run)) == ["rte", "squad"]
        for task, own in raw.of(run).items():
            other = reduced.of(run)[task]
            assert (other.doc_hashes, other.prompt_hashes) == (own.doc_hashes, own.prompt_hashes)
            assert (other.is_binary, other.scores.dtype) == (task == "rte", own.scores.dtype)
            assert np.array_equal(other.scores, own.scores)


def test_comparisons_from_either_are_equal(places):
    raw, reduced = (compare(SUITE, SuiteItems(place)) for place in places)
    assert raw == reduced
    assert len(raw) == 4 * 3


def test_a_file_is_read_once(places):
    for place, file in zip(places, ("runs/m/two/mazo/seed_0/samples.jsonl", "samples.json"), strict=True):
        items, run = SuiteItems(place), next(run for run in runs(SUITE) if run.method_name == "mazo")
        first = items.of(run)
        (place / file).unlink()
        assert items.of(run) is first


def test_hashes_that_runs_share_stand_there_once(places):
    content = json.loads((places[1] / "samples.json").read_text())
    assert len(content["hashes"]) == 4
    assert content["runs"]["runs/m/two/mazo/seed_0"]["squad"]["score"] == [0.1 + 0.2, 1.0]


def test_reduced_samples_that_lack_a_run_or_are_damaged_are_named(places):
    file = places[1] / "samples.json"
    content = json.loads(file.read_text())
    del content["runs"]["runs/m/two/mazo/seed_1"]["rte"]
    file.write_text(json.dumps(content))
    run = next(run for run in runs(SUITE) if (run.method_name, run.seed) == ("mazo", 1))
    with pytest.raises(DataError, match=r"samples\.json: runs/m/two/mazo/seed_1: wanted samples of rte; found squad"):
        SuiteItems(places[1]).of(run)
    file.write_text('{"hashes": 1}')
    with pytest.raises(DataError, match=r"samples\.json: wanted a suite's reduced samples; found"):
        SuiteItems(places[1]).of(run)
