"""Trials to a choice, a report and a suite's settings."""

import csv
import io

import pytest
import yaml
from hand_made import CONTENT, suite

from mazo.cli import main
from mazo.config import select_run
from mazo.configfile import load_suite, parse_suite
from mazo.errors import ConfigError, TrainingError
from mazo.tables.tuning import to_csv, to_markdown, to_yaml, write_tuning_tables
from mazo.tuning import Trial, Tuning, read_tuning, write_tuning

GRIDS = {"mtl_zo": {"lr": [1e-5, 1e-4]}, "mazo": {"lr": [1e-3, 1e-2]}}


def tuning(*losses, method="mazo", lrs=(0.1, 0.2, 0.4)):
    trials = [
        Trial({"lr": lr}, loss, None if loss is not None else "step 3: not finite", 10, 1.5)
        for lr, loss in zip(lrs, losses, strict=False)
    ]
    return Tuning("m", "two", method, method, trials, 1000, 4, 50, "float32", "abcdef0123456789", "code0")


def test_the_lowest_dev_loss_is_chosen_and_a_choice_at_the_grids_edge_is_flagged():
    inside, edge = tuning(0.5, 0.3, 0.4), tuning(0.3, 0.5, 0.5)
    assert (inside.best.settings, inside.at_edge) == ({"lr": 0.2}, [])
    assert (edge.best.settings, edge.at_edge) == ({"lr": 0.1}, ["lr"])


def test_a_diverged_trial_is_never_chosen_and_a_method_that_always_diverges_is_an_error():
    assert tuning(0.5, None, float("nan")).best.settings == {"lr": 0.1}
    with pytest.raises(TrainingError, match=r"tune\.grids\.mazo: wanted a trial .* found none of 3, the last: step 3"):
        _ = tuning(None, None, None).best


def test_trials_come_back_from_their_file(tmp_path):
    write_tuning(tuning(0.5, None, 0.4), tmp_path / "t.json")
    assert read_tuning(tmp_path / "t.json") == tuning(0.5, None, 0.4)
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(TrainingError, match="wanted a method's trials"):
        read_tuning(tmp_path / "t.json")


def test_the_report_shows_every_trial_the_choice_and_where_it_comes_from():
    text = to_markdown([tuning(0.5, 0.25, None), tuning(0.5, 0.5, 0.125, method="mtl_zo")])
    assert "| mazo | 3 | lr 0.1: 0.500; **lr 0.2: 0.250**; lr 0.4: diverged |  |" in text
    assert "| mtl_zo | 3 | lr 0.1: 0.500; lr 0.2: 0.500; **lr 0.4: 0.125** | lr |" in text
    assert "Every method has 3 trials; 1 of all stopped early" in text
    assert "No test row was read." in text


def test_the_table_holds_every_trial_in_full():
    rows = list(csv.DictReader(io.StringIO(to_csv([tuning(1 / 3, None)]))))
    assert [(row["settings"], row["dev_loss"], row["chosen"]) for row in rows] == [
        ('{"lr": 0.1}', str(1 / 3), "1"),
        ('{"lr": 0.2}', "", "0"),
    ]


def test_a_suite_takes_the_chosen_settings_from_the_written_block(tmp_path):
    write_tuning_tables([tuning(0.5, 0.25, None), tuning(0.5, 0.5, 0.125, method="mtl_zo")], tmp_path)
    file = tmp_path / "suite.yaml"
    file.write_text(yaml.safe_dump(CONTENT) + "# tuned: begin (written by `mazo tuned`)\n# tuned: end\n")
    command = ["tuned", "--table", str(tmp_path / "tuned.yaml"), "--out", str(file)]
    assert main(command) == main(command) == 0
    tuned = load_suite(file)
    for method, lr in (("mazo", 0.2), ("mtl_zo", 0.4)):
        assert select_run(tuned, model="m", mix="two", method=method, seed=0).method.lr == lr
    assert tuned.methods["mazo"].lr == CONTENT["methods"]["mazo"]["lr"]


def test_a_file_that_would_be_no_suite_is_left_as_it_was(tmp_path, capsys):
    (tmp_path / "tuned.yaml").write_text(to_yaml([tuning(0.5, 0.25, 0.3, method="other")]))
    file = tmp_path / "suite.yaml"
    file.write_text(yaml.safe_dump(CONTENT) + "# tuned: begin (written by `mazo tuned`)\n# tuned: end\n")
    before = file.read_bytes()
    assert main(["tuned", "--table", str(tmp_path / "tuned.yaml"), "--out", str(file)]) == 2
    assert (
        f"{file}: (top level): tuned.m.two: wanted one of mazo, mtl_zo, zero_shot; found 'other'"
        in capsys.readouterr().err
    )
    assert file.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"tuned.yaml", "suite.yaml"}


@pytest.mark.parametrize(
    ("tune", "message"),
    [
        ({"grids": {"mazo": {"lr": [1.0, 2.0]}}}, "wanted every trained method and no other; found otherwise: mtl_zo"),
        ({"grids": GRIDS | {"zero_shot": {"lr": [1.0]}}}, "no other; found otherwise: zero_shot"),
        ({"grids": GRIDS | {"mazoo": {"lr": [1.0]}}}, "wanted one of zero_shot, mtl_zo, mazo; found 'mazoo'"),
        ({"grids": GRIDS | {"mazo": {"lr": [1.0]}}}, "as many trials for every method; found mtl_zo 2, mazo 1"),
        ({"grids": GRIDS | {"mazo": {"lr": [1.0, -1.0]}}}, r"tune\.grids\.mazo\.lr: .*found -1\.0"),
        ({"grids": GRIDS | {"mazo": {"lrr": [1.0, 2.0]}}}, r"tune\.grids\.mazo\.lrr: wanted a setting"),
        ({"grids": GRIDS, "seed": 2}, r"tune\.seed: wanted none of the suite's seeds; found 2"),
    ],
)
def test_an_unfair_or_wrong_grid_is_refused_when_the_suite_is_read(tune, message):
    with pytest.raises(ConfigError, match=message):
        parse_suite(CONTENT | {"tune": tune}, where="hand")


def test_several_keys_combine_and_count_together():
    grids = {"mtl_zo": {"lr": [1e-5, 1e-4, 1e-3, 1e-2]}, "mazo": {"mask.density": [0.1, 0.2], "lr": [1e-3, 1e-2]}}
    trials = suite(tune={"grids": grids}).tune.trials("mazo")
    assert trials == [
        {"mask.density": 0.1, "lr": 1e-3},
        {"mask.density": 0.1, "lr": 1e-2},
        {"mask.density": 0.2, "lr": 1e-3},
        {"mask.density": 0.2, "lr": 1e-2},
    ]
