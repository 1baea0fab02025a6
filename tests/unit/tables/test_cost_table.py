import csv
import io

from hand_made import record

from mazo.records import StageCost
from mazo.tables.cost import make_costs, to_csv, to_latex, to_markdown, write_cost


def cost(seconds, gib):
    return StageCost(seconds=seconds, peak_memory=int(gib * 2**30))


def masked(seed, *, train, peak):
    stages = {"score": cost(3.0, 2), "mask": cost(1.0, 0.5), "train": cost(train, peak), "evaluate": cost(5.0, 1)}
    update = {"stages": stages, "forwards": 2000, "trained_weights": 75_000, "optimizer": "sgd"}
    return record("mazo", seed, {"rte": 0.5, "squad": 0.3 + 0.1 * seed}).model_copy(update=update)


def records():
    return [
        record("zero_shot", 0, {"rte": 0.5, "squad": 0.1}).model_copy(update={"stages": {"evaluate": cost(4.0, 0.5)}}),
        masked(0, train=10.0, peak=1.0),
        masked(1, train=20.0, peak=1.5),
    ]


def test_seconds_are_means_over_seeds_and_peaks_the_most_by_phase():
    zero_shot, mazo = make_costs(records())
    assert mazo.seconds == {"scores": 4.0, "training": 15.0, "evaluation": 5.0}
    assert mazo.peak_memory == {"scores": 2 * 2**30, "training": 3 * 2**29, "evaluation": 2**30}
    assert (mazo.forwards, mazo.trained_weights, mazo.optimizer, mazo.num_seeds) == (2000, 75_000, "sgd", 2)
    assert zero_shot.seconds == {"scores": None, "training": None, "evaluation": 4.0}


def test_markdown_shows_cost_beside_score_and_nothing_for_a_phase_that_is_none():
    lines = to_markdown(make_costs(records())).splitlines()
    assert lines[0] == "### m, mix two: cost of a run"
    assert lines[4] == "| Zero-shot | 30.0 | 0 | 0 |  |  | 4.0 |  |  | 0.50 |"
    assert lines[5] == "| Ma_ZO & co | 42.5 | 2,000 | 75,000 | 4.0 | 15.0 | 5.0 | 2.00 | 1.50 | 1.00 |"


def test_csv_has_seconds_and_bytes():
    zero_shot, mazo = csv.DictReader(io.StringIO(to_csv(make_costs(records()))))
    assert (mazo["training_seconds"], mazo["training_peak_bytes"], mazo["forwards"]) == ("15.000", "1610612736", "2000")
    assert (zero_shot["scores_seconds"], zero_shot["standard_error"]) == ("", "")


def test_every_model_and_mix_has_its_own_table(tmp_path):
    others = [r.model_copy(update={"run": r.run.model_copy(update={"mix": "b"})}) for r in records()]
    write_cost([*records(), *others], tmp_path)
    assert (tmp_path / "cost.md").read_text().count("### ") == 2
    assert to_latex(make_costs([*records(), *others])).count(r"\toprule") == 2
