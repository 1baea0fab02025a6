import numpy as np
import pytest
from hand_made import CONTENT, suite
from samples_by_hand import write_all, write_samples

from mazo.comparison import compare
from mazo.errors import DataError
from mazo.grid import run_folder, runs
from mazo.statistics import holm, mcnemar
from mazo.suite_items import SuiteItems

MAZO = [
    {"rte": [1.0, 1.0, 1.0, 0.0], "squad": [0.5, 1.0]},
    {"rte": [1.0, 1.0, 0.0, 0.0], "squad": [0.5, 1.0]},
    {"rte": [1.0, 1.0, 1.0, 1.0], "squad": [0.5, 1.0]},
]
MTL = [
    {"rte": [0.0, 1.0, 1.0, 1.0], "squad": [0.5, 0.0]},
    {"rte": [0.0, 0.0, 0.0, 0.0], "squad": [0.25, 0.0]},
    {"rte": [1.0, 0.0, 0.0, 1.0], "squad": [0.0, 0.0]},
]
ZERO = [{"rte": [0.0, 0.0, 0.0, 1.0], "squad": [0.0, 0.0]}]
SCORES = {"zero_shot": ZERO, "mtl_zo": MTL, "mazo": MAZO}
SINGLE = {"kind": "zeroth_order", "lr": 1e-3, "scope": "single_task", "label": "Alone"}


def compared(results, *, scores=SCORES, **changes):
    settings = suite(**({"statistics": {"resamples": 200}} | changes))
    write_all(settings, results, scores)
    return {(c.row.name, c.column): c for c in compare(settings, SuiteItems(results))}


def test_differences_are_the_methods_mean_minus_the_references_task_by_task_and_in_the_mean(tmp_path):
    found = compared(tmp_path)
    assert list(found) == [(m, c) for m in ("zero_shot", "mtl_zo") for c in ("rte", "squad", "mean")]
    assert found["mtl_zo", "rte"].estimate.value == pytest.approx((5 - 9) / 12)
    assert found["mtl_zo", "squad"].estimate.value == pytest.approx((0.75 - 4.5) / 6)
    assert found["mtl_zo", "mean"].estimate.value == pytest.approx((-4 / 12 - 3.75 / 6) / 2)
    assert found["zero_shot", "rte"].estimate.value == pytest.approx(1 / 4 - 9 / 12)
    assert all(c.reference.name == "mazo" for c in found.values())


def test_an_interval_lies_around_its_difference_and_a_sure_one_leaves_zero_out(tmp_path):
    found = compared(tmp_path)
    assert all(c.estimate.low <= c.estimate.value <= c.estimate.high for c in found.values())
    assert found["mtl_zo", "squad"].estimate.high < 0.05
    assert found["zero_shot", "squad"].estimate.p == pytest.approx(2 / 201)  # no resample reaches 0


def test_a_method_equal_to_the_reference_differs_by_nothing(tmp_path):
    found = compared(tmp_path, scores=SCORES | {"mtl_zo": MAZO})
    estimate = found["mtl_zo", "mean"].estimate
    assert (estimate.value, estimate.low, estimate.high, estimate.p) == (0, 0, 0, 1)


def test_mcnemar_counts_over_seeds_and_merges_the_seeds_tests(tmp_path):
    found = compared(tmp_path)
    exact = found["mtl_zo", "rte"].mcnemar
    assert (exact.only_method, exact.only_reference) == (1, 5)
    each = [mcnemar(1, 1), mcnemar(0, 2), mcnemar(0, 2)]
    assert exact.p == pytest.approx(min(1, 2 * np.mean(each)))
    assert found["mtl_zo", "squad"].mcnemar is None  # F1 is not right or wrong
    assert found["mtl_zo", "mean"].mcnemar is None


def test_p_values_are_adjusted_within_means_tasks_and_mcnemar_tests(tmp_path):
    found = compared(tmp_path)
    for is_member, raw, adjusted in (
        (lambda c: c.column == "mean", lambda c: c.estimate.p, lambda c: c.p_holm),
        (lambda c: c.column != "mean", lambda c: c.estimate.p, lambda c: c.p_holm),
        (lambda c: c.mcnemar, lambda c: c.mcnemar.p, lambda c: c.mcnemar.p_holm),
    ):
        family = [c for c in found.values() if is_member(c)]
        assert [adjusted(c) for c in family] == pytest.approx(holm([raw(c) for c in family]))


def test_the_reference_is_a_key_of_the_suite(tmp_path):
    found = compared(tmp_path, reference="mtl_zo")
    assert {c.reference.name for c in found.values()} == {"mtl_zo"}
    assert found["mazo", "rte"].estimate.value == pytest.approx(4 / 12)


def test_single_task_models_are_scored_on_their_own_tasks_and_shared_ones_on_average(tmp_path):
    on_rte = [{"rte": [1.0, 1.0, 1.0, 1.0], "squad": [0.0, 0.0]}] * 3
    on_squad = [{"rte": [0.0, 0.0, 1.0, 0.0], "squad": [1.0, 1.0]}] * 3
    found = compared(
        tmp_path,
        scores={"alone@rte": on_rte, "alone@squad": on_squad, "mazo": MAZO},
        methods={"alone": SINGLE, "mazo": CONTENT["methods"]["mazo"]},
    )
    assert found["alone", "rte"].estimate.value == pytest.approx(1 - 9 / 12)
    assert found["alone", "squad"].estimate.value == pytest.approx(1 - 4.5 / 6)
    assert found["alone@shared", "rte"].estimate.value == pytest.approx(5 / 8 - 9 / 12)
    assert found["alone@shared", "squad"].estimate.value == pytest.approx(1 / 2 - 4.5 / 6)
    assert (found["alone", "rte"].mcnemar.only_method, found["alone@shared", "rte"].mcnemar) == (3, None)


def test_every_model_and_mix_is_compared_within_itself(tmp_path):
    mixes = {"two": ["rte", "squad"], "one": ["rte"]}
    settings = suite(mixes=mixes, statistics={"resamples": 20})
    write_all(settings, tmp_path, SCORES)
    found = compare(settings, SuiteItems(tmp_path))
    assert [(c.row.mix, c.column) for c in found if c.row.name == "mtl_zo"] == [
        ("two", "rte"),
        ("two", "squad"),
        ("two", "mean"),
        ("one", "rte"),
        ("one", "mean"),
    ]


def test_one_method_has_nothing_to_compare_with(tmp_path):
    assert compared(tmp_path, scores={"mazo": MAZO}, methods={"mazo": CONTENT["methods"]["mazo"]}) == {}


def test_runs_that_are_missing_or_of_other_items_are_named(tmp_path):
    settings = suite()
    write_all(settings, tmp_path, SCORES)
    (run,) = [run for run in runs(settings) if (run.method_name, run.seed) == ("mtl_zo", 1)]
    write_samples(tmp_path / run_folder(run), MTL[1], prompt_hash="another prompt")
    with pytest.raises(DataError, match=r"mtl_zo/seed_1/samples.jsonl: rte, row 0: wanted prompt_hash .*mazo/seed_1"):
        compare(settings, SuiteItems(tmp_path))
    write_samples(tmp_path / run_folder(run), {"rte": [1.0], "squad": [1.0, 0.0]})
    with pytest.raises(DataError, match=r"mtl_zo/seed_1/samples.jsonl: rte: wanted 4 rows"):
        compare(settings, SuiteItems(tmp_path))
    (tmp_path / run_folder(run) / "samples.jsonl").unlink()
    with pytest.raises(DataError, match=r"mtl_zo/seed_1/samples.jsonl: a run's samples cannot be read"):
        compare(settings, SuiteItems(tmp_path))


def test_demonstrations_may_set_prompts_apart_and_nothing_else(tmp_path):
    methods = {"four_shot": {"kind": "in_context", "shots": 4}, "mazo": CONTENT["methods"]["mazo"]}
    settings = suite(methods=methods, statistics={"resamples": 20})
    write_all(settings, tmp_path, {"four_shot": MTL, "mazo": MAZO})
    for run in runs(settings):
        if run.method_name == "four_shot":
            write_samples(tmp_path / run_folder(run), MTL[run.seed], prompt_hash=f"of seed {run.seed}")
    assert len(compare(settings, SuiteItems(tmp_path))) == 3
