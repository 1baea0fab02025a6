import pytest
from hand_made import record, suite

from mazo.errors import DataError
from mazo.grid import rows, run_folder
from mazo.outcomes import merge_records, read_outcomes
from mazo.records import StageCost, write_record

ALONE = {"kind": "zeroth_order", "lr": 1e-3, "scope": "single_task", "label": "Alone"}
SUITE = suite(methods={"alone": ALONE, "mtl_zo": {"kind": "zeroth_order", "lr": 1e-5}}, seeds=[0])
OWN, SHARED, MTL = rows(SUITE)


def two_runs():
    """On RTE 0.9 and 0.5, on SQuAD 0.1 and 0.7, from the model of RTE and that of SQuAD."""
    scores = {"alone@rte": {"rte": 0.9, "squad": 0.1}, "alone@squad": {"rte": 0.5, "squad": 0.7}}
    costs = {"alone@rte": (3.0, 10, 100), "alone@squad": (4.0, 20, 100)}
    made = {}
    for name, (seconds, memory, forwards) in costs.items():
        stages = {"train": StageCost(seconds=seconds, peak_memory=memory)}
        weights = {name.partition("@")[2]: {"mean": 1.0}}
        update = {"stages": stages, "forwards": forwards, "trained_weights": 7, "task_weights": weights}
        made[name] = record(name, 0, scores[name], of=SUITE).model_copy(update=update)
    return made


def test_a_task_is_scored_by_the_run_that_trains_on_it():
    merged = merge_records(OWN, 0, two_runs())
    assert {task: score.score for task, score in merged.metrics.items()} == {"rte": 0.9, "squad": 0.7}
    assert merged.metrics["rte"].stderr == 0.01
    assert (merged.run.method_name, merged.run.method.label, merged.run.tasks) == ("alone", "Alone", ["rte", "squad"])


def test_a_shared_models_score_is_the_mean_over_the_runs():
    merged = merge_records(SHARED, 0, two_runs())
    assert {t: s.score for t, s in merged.metrics.items()} == {"rte": pytest.approx(0.7), "squad": pytest.approx(0.4)}
    assert merged.mean == pytest.approx((0.5 + 0.6) / 2)  # the mean of the rows of the transfer matrix
    assert merged.metrics["rte"].stderr is None
    assert merged.run.method_name == "alone@shared"


def test_costs_are_summed_and_of_memory_the_most_is_taken():
    merged = merge_records(OWN, 0, two_runs())
    assert merged.stages == {"train": StageCost(seconds=7.0, peak_memory=20)}
    assert (merged.forwards, merged.trained_weights) == (200, 7)
    assert set(merged.task_weights) == {"rte", "squad"}


def test_a_single_task_method_on_a_mix_of_one_task_is_still_named_by_its_key():
    settings = suite(methods={"alone": ALONE}, mixes={"one": ["rte"]}, seeds=[0])
    made = record("alone@rte", 0, {"rte": 0.9}, of=settings, mix="one")
    names = [merge_records(row, 0, {"alone@rte": made}).run.method_name for row in rows(settings)]
    assert names == ["alone", "alone@shared"]


def test_a_row_of_one_run_is_its_record(tmp_path):
    records = two_runs() | {"mtl_zo": record("mtl_zo", 0, {"rte": 0.5, "squad": 0.5}, of=SUITE)}
    assert merge_records(MTL, 0, {"mtl_zo": records["mtl_zo"]}) == records["mtl_zo"]
    with pytest.raises(DataError, match=r"record\.json: a run's record cannot be read"):
        read_outcomes(SUITE, tmp_path)
    for made in records.values():
        write_record(made, tmp_path / run_folder(made.run) / "record.json")
    assert [made.run.method_name for made in read_outcomes(SUITE, tmp_path)] == ["alone", "alone@shared", "mtl_zo"]
