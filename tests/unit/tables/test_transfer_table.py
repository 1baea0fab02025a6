import csv
import io

import pytest
from hand_made import record, suite
from transfer_by_hand import SCORES, SUITE, transfer

from mazo.errors import DataError
from mazo.grid import run_folder, runs
from mazo.records import write_record
from mazo.tables.transfer import read_transfers, to_csv, to_latex, to_markdown, write_transfer


def test_a_cell_is_the_mean_over_seeds_of_a_tasks_model_on_another_task():
    found = transfer()
    assert list(found.cells) == ["rte", "squad"]
    assert found.columns == ["rte", "squad", "mean"]
    assert found.cells["rte"]["squad"].mean == pytest.approx(20)
    assert found.cells["rte"]["squad"].error == pytest.approx(10)  # 10 and 30: deviation 10 sqrt(2), over sqrt(2)
    assert found.cells["rte"]["mean"].mean == pytest.approx(50)
    assert found.cells["rte"]["mean"].error == pytest.approx(0)


def test_the_shared_model_is_the_mean_over_models_within_a_seed_before_seeds():
    found = transfer()
    assert found.shared["rte"].mean == pytest.approx(65)
    assert found.shared["rte"].error == pytest.approx(0)  # (40 + 90) / 2 and (60 + 70) / 2
    assert found.shared["mean"].mean == pytest.approx(57.5)


def test_the_tables_read_as_written_here():
    lines = to_markdown([transfer()]).splitlines()
    assert lines[0] == "### m, mix two: Alone_ZO"
    assert lines[2] == "| Trained on | RTE | SQuAD | Mean |"
    assert lines[4] == "| RTE | 80.0 ± 10.0 | 20.0 ± 10.0 | 50.0 ± 0.0 |"
    assert lines[6] == "| Shared model | 65.0 ± 0.0 | 50.0 ± 5.0 | 57.5 ± 2.5 |"
    assert r"m, mix two: Alone\_ZO, tested on every task" in to_latex([transfer()])
    found = list(csv.DictReader(io.StringIO(to_csv([transfer()]))))
    assert [(line["trained"], line["tested"]) for line in found][2:5] == [
        ("rte", "mean"),
        ("squad", "rte"),
        ("squad", "squad"),
    ]
    assert found[-1]["trained"] == "shared"


def test_runs_are_read_by_the_task_they_train_on_and_other_methods_left_out(tmp_path):
    for run in runs(SUITE):
        scores = SCORES[run.tasks[0]][run.seed] if len(run.tasks) == 1 else {"rte": 0.0, "squad": 0.0}
        write_record(record(run.method_name, run.seed, scores, of=SUITE), tmp_path / run_folder(run) / "record.json")
    (found,) = read_transfers(SUITE, tmp_path)
    assert (found.cells, found.shared) == (transfer().cells, transfer().shared)
    write_transfer([found], tmp_path / "tables")
    assert (tmp_path / "tables" / "transfer.tex").exists()


def test_a_run_without_a_record_is_named(tmp_path):
    with pytest.raises(DataError, match=r"alone@rte/seed_0/record\.json: a run's record cannot be read"):
        read_transfers(SUITE, tmp_path)


def test_a_suite_without_a_single_task_method_has_none(tmp_path):
    assert read_transfers(suite(), tmp_path) == []
