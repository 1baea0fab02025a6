import json
from pathlib import Path

import pytest
from hand_made import CONTENT

from mazo.configfile import load_suite, parse_suite
from mazo.errors import ConfigError, TrainingError
from mazo.files import write_json, write_text
from mazo.ledger import Trial, compare, list_trials, read_ledger

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG = load_suite(REPOSITORY / "config" / "ledger.yaml")


def method(lr=0.01, **changes):
    return {"kind": "zeroth_order", "lr": lr, "mask": {}} | changes


METHODS = {
    "default": method(),
    "default_low": method(0.005),
    "alpha_0": method(mask={"scores": {"alpha": 0.0}}),
    "zo": method(mask={"scores": {"gradient": "zo", "gradient_directions": 4}}),
    "density": method(0.02, mask={"density": 0.05}),
    "density_low": method(0.01, mask={"density": 0.05}),
}
LOSSES = {
    "default": {0: 1.0, 1: 2.0},
    "default_low": {0: 0.9, 1: 1.9},
    "alpha_0": {0: 1.1, 1: 2.3},
    "zo": {0: 0.5, 1: 1.5},
    "density": {0: 2.0, 1: 2.0},
    "density_low": {0: 1.0, 1: 1.0},
}
MEASURED_ON = {"model": "abc", "num_steps": 5, "batch": 2, "dev_examples": 4}


def ledger(methods=METHODS, **changes):
    return parse_suite(CONTENT | {"methods": methods, "seeds": [0, 1]} | changes, where="hand")


def rows():
    return compare(list_trials(ledger()), LOSSES, **MEASURED_ON)


def test_a_methods_choice_is_what_it_sets_otherwise_than_the_first():
    assert list_trials(ledger()) == [
        Trial("default", "default", 0.01, "default"),
        Trial("default", "default", 0.005, "default_low"),
        Trial("mask.scores.alpha", "0.0", 0.01, "alpha_0"),
        Trial("mask.scores.gradient", "zo, gradient_directions 4", 0.01, "zo"),
        Trial("mask.density", "0.05", 0.02, "density"),
        Trial("mask.density", "0.05", 0.01, "density_low"),
    ]


def test_one_step_size_compares_with_one_and_the_best_of_two_with_the_best_of_two():
    found = [(row.choice, row.lr, row.rates, round(row.difference, 12)) for row in rows()]
    assert found == [
        ("default", 0.01, 1, 0.0),
        ("default", 0.005, 2, 0.0),
        ("mask.scores.alpha", 0.01, 1, 0.2),
        ("mask.scores.gradient", 0.01, 1, -0.5),
        ("mask.density", 0.01, 2, -0.4),
    ]


def test_errors_are_of_the_mean_and_of_the_paired_differences():
    by_choice = {row.choice: row for row in rows()}
    alpha, zo = by_choice["mask.scores.alpha"], by_choice["mask.scores.gradient"]
    assert (alpha.dev_loss, alpha.seeds) == (pytest.approx(1.7), 2)
    assert alpha.error == pytest.approx(0.6)  # 1.1 and 2.3: deviation 0.6 sqrt(2), over sqrt(2)
    assert alpha.difference_error == pytest.approx(0.1)  # 0.1 and 0.3
    assert zo.difference_error == pytest.approx(0.0)


def test_one_seed_has_no_error():
    losses = {name: {0: by_seed[0]} for name, by_seed in LOSSES.items()}
    for row in compare(list_trials(ledger(seeds=[0])), losses, **MEASURED_ON):
        assert (row.error, row.difference_error) == (None, None)


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (METHODS | {"zero": {"kind": "zero_shot"}}, r"methods\.zero\.kind: wanted zeroth_order"),
        (METHODS | {"single": method(scope="single_task")}, r"methods\.single\.scope: wanted mix"),
        ({"a": method(), "b": method(0.02, mask_mode="update")}, r"methods\.b\.lr: .*0\.01 alone.*; found 0\.02"),
        ({"a": method(), "c": method(0.02), "b": method(0.02, mask_mode="update")}, r"methods\.b\.lr: .*2 step sizes"),
        ({"a": method(), "b": method()}, r"methods\.b\.lr: .*found 0\.01, 0\.01"),
    ],
    ids=["another kind", "a model a task", "another lr", "fewer trials", "twice"],
)
def test_a_suite_that_is_no_ledger_is_refused(methods, message):
    with pytest.raises(ConfigError, match=message):
        list_trials(ledger(methods))


def test_a_ledger_has_one_mix():
    with pytest.raises(ConfigError, match="mixes: wanted one for a ledger; found one, other"):
        list_trials(ledger(mixes={"one": ["rte"], "other": ["copa"]}))


def leave_runs(folder, suite, *, base="c0ffee" * 4):
    for name, by_seed in LOSSES.items():
        for seed, loss in by_seed.items():
            run = folder / f"runs/m/two/{name}/seed_{seed}"
            write_json(run / "train.json", {"base_checksum": base})
            curve = [f"0,rte,dev,9\n0,squad,dev,9\n5,rte,train,7\n5,squad,train,7\n5,rte,dev,{loss - 0.5}"]
            write_text(run / "curve.csv", f"step,task,split,loss\n{curve[0]}\n5,squad,dev,{loss + 0.5}\n")


def test_a_finished_ledger_is_read_from_its_runs(tmp_path):
    leave_runs(tmp_path, ledger())
    found = read_ledger(ledger(), tmp_path)
    assert [row.difference for row in found] == pytest.approx([row.difference for row in rows()])
    assert found[0].model == "c0ffeec0ffee"
    assert (found[0].num_steps, found[0].batch_per_task, found[0].dev_examples) == (1000, 8, 32)


def test_runs_that_are_absent_or_of_two_models_are_refused(tmp_path):
    leave_runs(tmp_path, ledger())
    record = tmp_path / "runs/m/two/zo/seed_1/train.json"
    record.write_text(json.dumps({"base_checksum": "other"}))
    with pytest.raises(TrainingError, match="wanted runs of one model; found 2"):
        read_ledger(ledger(), tmp_path)
    record.unlink()
    with pytest.raises(TrainingError, match=r"zo/seed_1/train\.json: wanted the record of a finished training run"):
        read_ledger(ledger(), tmp_path)


def test_the_shipped_ledgers_default_is_the_shipped_suites_mazo():
    mini = load_suite(REPOSITORY / "config" / "mini.yaml")
    default = next(iter(CONFIG.methods.values()))
    assert default.model_copy(update={"label": None}) == mini.methods["mazo"].model_copy(update={"label": None})
    assert (CONFIG.models, CONFIG.mixes) == (mini.models, mini.mixes)


def test_the_shipped_ledgers_choices_are_rows_of_the_page_of_assumptions():
    page = (REPOSITORY / "docs" / "assumptions.md").read_text()
    choices = {trial.choice for trial in list_trials(CONFIG)} - {"default"}
    assert len(choices) >= 10
    assert [choice for choice in choices if f"`methods.*.{choice}`" not in page] == []
