import csv
import io
from pathlib import Path

import pytest
from hand_made import record, suite

from mazo.grid import run_folder
from mazo.plan.cards import find_card
from mazo.plan.estimate import plan_suite
from mazo.plan.report import against_records, to_csv, to_markdown
from mazo.records import write_record
from mazo.stages.plan import run

CARDS = {"l4": find_card("l4")}


@pytest.fixture(scope="module")
def rows():
    return plan_suite(suite(), cards=CARDS)


def test_the_page_has_a_row_a_method_and_the_sums(rows):
    page = to_markdown(rows, CARDS)
    assert "### m, mix two: plan" in page
    assert "| mtl_zo | 3 | 6,000 |" in page
    assert "| All | 7 | 12,000 |" in page
    assert "NVIDIA L4, 24 GB" in page


def test_a_run_that_exceeds_the_card_is_marked():
    big = {"m": {"path": "meta-llama/Llama-2-7b-hf", "dtype": "bfloat16", "device": "cuda"}}
    lines = to_markdown(plan_suite(suite(models=big, data={"source": "hub"}), cards=CARDS), CARDS).splitlines()
    (unmasked,) = [line for line in lines if line.startswith("| mtl_zo ")]
    assert "* |" in unmasked


def test_trials_of_settings_are_a_row_of_their_own():
    grids = {"mtl_zo": {"lr": [1e-5, 1e-4]}, "mazo": {"lr": [1e-4, 1e-3]}}
    page = to_markdown(plan_suite(suite(tune={"grids": grids}), cards=CARDS), CARDS)
    # Two trials of two methods, 2,000 forwards each.
    assert "| Tuning, besides | 4 trials | 8,000 |" in page
    assert "| All | 7 | 12,000 |" in page


def test_the_csv_has_a_line_a_run(rows):
    lines = list(csv.DictReader(io.StringIO(to_csv(rows, CARDS))))
    assert [(line["method"], line["seed"], line["forwards"]) for line in lines] == [
        ("zero_shot", "0", "0"),
        *(("mtl_zo", str(seed), "2000") for seed in range(3)),
        *(("mazo", str(seed), "2000") for seed in range(3)),
    ]
    assert lines[0]["train_peak_bytes"] == ""


def test_records_are_set_beside_the_plan(rows, tmp_path):
    done = record("mazo", 1, {"rte": 0.5, "squad": 0.5})
    write_record(done, tmp_path / run_folder(done.run) / "record.json")
    page = against_records(rows, tmp_path)
    assert "| m, mazo, seed 1 | 2,000 | 0 |" in page
    assert against_records(rows, tmp_path / "none") == ""


def test_the_stage_prints_the_plan_and_writes_its_files(tmp_path, capsys):
    run(suite(), cards=["l4"], results=None, out=tmp_path)
    assert capsys.readouterr().out.strip() == Path(tmp_path / "plan.md").read_text().strip()
    assert (tmp_path / "plan.csv").read_text().startswith("model,mix,method,seed,forwards,")
