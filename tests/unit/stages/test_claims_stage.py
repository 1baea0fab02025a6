"""Verdicts on a suite whose every effect is known."""

import csv
from pathlib import Path

import pytest
from claims_by_hand import METHODS, hand_suite, outcome, write_suite

from mazo.claims import load_claims
from mazo.errors import DataError
from mazo.stages.claims import judge_suite, run
from mazo.suite_items import SuiteItems

CLAIMS = Path(__file__).resolve().parents[3] / "config" / "claims.yaml"


def verdicts(results, *, settings=None, **changes):
    settings = settings or hand_suite()
    write_suite(settings, results, outcome(**changes))
    return {
        own.claim.id: own
        for own in judge_suite(settings, load_claims(CLAIMS), results=results, items=SuiteItems(results))
    }


def effect(judged):
    return judged.weakest[0].estimate.value


def test_a_suite_whose_effects_all_favour_the_claims_supports_each(tmp_path):
    found = verdicts(tmp_path)
    assert {own.verdict for own in found.values()} == {"supported"}
    assert [own.claim.id for own in found.values()] == [claim.id for claim in load_claims(CLAIMS).claims]


FLIPS = [
    ("mixing_noise", {"variance_mix": 500.0}),
    ("mask_noise", {"variance_kept": 4000.0}),
    ("collinear", {"rank": 1.5}),
    ("conflict_cosine", {"frozen": {"cosine": 0.5, "sign": 0.6}, "kept": {"cosine": -0.5, "sign": 0.4}}),
    ("conflict_sign", {"kept": {"cosine": 0.5, "sign": 0.7}}),
    ("beats_zeroth_order", {"right": {"mazo": 5, "mtl_zo": 9, "famo": 4, "adam": 4, "zero_shot": 2}}),
    ("beats_weighted", {"right": {"mazo": 5, "mtl_zo": 4, "famo": 9, "adam": 4, "zero_shot": 2}}),
    ("beats_first_order", {"right": {"mazo": 5, "mtl_zo": 4, "famo": 4, "adam": 9, "zero_shot": 2}}),
    ("memory_backpropagation", {"train_peak": {"mazo": 100, "mtl_zo": 100, "famo": 100, "adam": 90}}),
    ("memory_inference", {"evaluate_peak": 50}),
    ("convergence", {"reached": {"mazo": 800, "mtl_zo": 200, "famo": 900, "adam": 100}}),
    ("scoring_time", {"score_seconds": 20.0}),
    ("scoring_memory", {"score_peak": 200}),
]


def test_there_is_a_known_effect_for_every_claim():
    assert [claim for claim, _ in FLIPS] == [claim.id for claim in load_claims(CLAIMS).claims]


@pytest.mark.parametrize(("claim", "changes"), FLIPS, ids=[claim for claim, _ in FLIPS])
def test_the_opposite_effect_flips_the_verdict_of_its_claim(tmp_path, claim, changes):
    assert verdicts(tmp_path, **changes)[claim].verdict == "not supported"


def test_effects_are_in_the_units_of_their_claims(tmp_path):
    found = verdicts(tmp_path)
    assert effect(found["mask_noise"]) == pytest.approx(10.01, abs=0.01)
    assert effect(found["mixing_noise"]) == pytest.approx(1.998, abs=0.001)
    assert effect(found["conflict_cosine"]) == 100
    assert effect(found["conflict_sign"]) == pytest.approx(20)
    assert effect(found["beats_zeroth_order"]) == pytest.approx(40)  # of 40 and 50, the one that says least
    assert effect(found["memory_backpropagation"]) == pytest.approx(3)
    assert effect(found["convergence"]) == pytest.approx(40)  # of 60 and 40 % of the steps
    assert effect(found["scoring_time"]) == pytest.approx(1)


def test_a_claim_against_several_rows_has_a_verdict_for_each(tmp_path):
    right = {"mazo": 8, "mtl_zo": 4, "famo": 10, "adam": 4, "zero_shot": 2}
    found = verdicts(tmp_path, right=right)["beats_zeroth_order"]
    each = {finding.against: verdict for finding, verdict in found.findings}
    assert each["mtl_zo"] == "supported"
    assert each["FAMO"] != "supported"
    assert found.verdict == each["FAMO"]


def test_an_interval_around_the_threshold_is_undecided(tmp_path):
    right = {"mazo": 6, "mtl_zo": 5, "famo": 4, "adam": 4, "zero_shot": 2}
    assert verdicts(tmp_path, right=right)["beats_zeroth_order"].verdict == "undecided at this scale"


def test_equal_scores_differ_by_zero_without_a_sign(tmp_path):
    right = {"mazo": 5, "mtl_zo": 5, "famo": 4, "adam": 4, "zero_shot": 2}
    found = verdicts(tmp_path, right=right)["beats_zeroth_order"]
    assert found.verdict == "not supported"
    assert [repr(x) for x in (found.weakest[0].estimate.low, found.weakest[0].estimate.high)] == ["0.0", "0.0"]


def test_one_seed_decides_nothing(tmp_path):
    found = verdicts(tmp_path, settings=hand_suite(seeds=[0]))
    assert {own.verdict for own in found.values()} == {"undecided at this scale"}


def test_a_claim_about_rows_that_the_suite_lacks_is_not_measured(tmp_path):
    few = {key: METHODS[key] for key in ("zero_shot", "mtl_zo", "mazo")}
    right = {"mazo": 9, "mtl_zo": 5, "zero_shot": 2}
    found = verdicts(tmp_path, settings=hand_suite(methods=few), right=right)
    absent = {key for key, own in found.items() if own.verdict == "not measured in this suite"}
    assert absent == {"beats_weighted", "beats_first_order", "memory_backpropagation"}


def test_a_gradient_lost_in_noise_at_one_seed_leaves_its_task_out(tmp_path):
    settings = hand_suite()
    write_suite(settings, tmp_path, outcome())
    file = tmp_path / "probe/m/two/mazo/seed_1.json"
    file.write_text(file.read_text().replace("1001.0", "null", 1))
    found = {
        own.claim.id: own
        for own in judge_suite(settings, load_claims(CLAIMS), results=tmp_path, items=SuiteItems(tmp_path))
    }
    assert found["mixing_noise"].findings[0][0].n == "3 seeds, 1 task"


def test_an_absent_probe_names_its_file(tmp_path):
    settings = hand_suite()
    write_suite(settings, tmp_path, outcome())
    (tmp_path / "probe/m/two/mazo/seed_1.json").unlink()
    with pytest.raises(DataError, match=r"seed_1\.json: what `mazo probe` wrote cannot be read"):
        judge_suite(settings, load_claims(CLAIMS), results=tmp_path, items=SuiteItems(tmp_path))


def test_a_suite_without_mazo_says_that_nothing_can_be_measured(tmp_path):
    settings = hand_suite(methods={"mtl_zo": METHODS["mtl_zo"]})
    run(settings, results=tmp_path, claims=CLAIMS)
    assert "no claim can be measured" in (tmp_path / "tables/claims.md").read_text()
    assert (tmp_path / "figures/claims.svg").exists()


def test_table_and_figure_are_written_and_equal_byte_for_byte_in_another_run(tmp_path):
    settings = hand_suite()
    for name in ("a", "b"):
        write_suite(settings, tmp_path / name, outcome())
        run(settings, results=tmp_path / name, claims=CLAIMS)
    for file in ("tables/claims.csv", "tables/claims.md", "figures/claims.svg", "figures/claims.png"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    with (tmp_path / "a/tables/claims.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 15  # two claims are held against two rows
    assert lines[5]["against"] == "mtl_zo"
    assert float(lines[5]["low"]) <= float(lines[5]["effect"]) == 40 <= float(lines[5]["high"])
    page = (tmp_path / "a/tables/claims.md").read_text()
    assert "| MaZO beats zeroth-order methods | each of 2 | supported | +40.0 points | [+" in page
    assert "*Rule:* supported: whole interval below 10 %; not supported: wholly above or at it." in page
