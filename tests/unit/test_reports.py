from pathlib import Path

import torch
from hand_made import record

from mazo.masks import Mask, save_mask
from mazo.reports import log_report, mask_report, overlap_report, record_report
from mazo.zeroth_order.log import LogWriter, read_log

FIRST = Mask({"v": torch.tensor([0]), "w": torch.tensor([0, 1, 5])}, {"v": (1, 2), "w": (2, 4)}, {"density": 0.5})
SECOND = Mask({"w": torch.tensor([1, 5, 6])}, {"w": (2, 4)})


def lines_of(report: str) -> list[str]:
    """The report's lines, each run of spaces one space."""
    return [" ".join(line.split()) for line in report.splitlines()]


def test_a_mask_is_told_matrix_by_matrix_with_its_size_and_hash(tmp_path):
    save_mask(FIRST, tmp_path / "mask")
    size = (tmp_path / "mask").stat().st_size
    lines = lines_of(mask_report(tmp_path / "mask", FIRST))
    assert "kept 4 of 10 weights in 2 matrices, density 40.000 %" in lines
    assert f"hash {FIRST.hash()}" in lines
    assert f"size {size} bytes, {8 * size / 10:.2f} bits a weight" in lines
    assert "v 1 x 2 1 50.000 % 1" in lines
    assert "w 2 x 4 3 37.500 % 1 to 2" in lines


def test_two_masks_are_compared_by_jaccards_overlap_and_their_union():
    lines = lines_of(overlap_report(FIRST, SECOND))
    assert "equal no" in lines
    assert "overlap 0.4000 (kept by both / kept by either)" in lines
    assert "union density 50.000 %" in lines
    assert "w 0.5000" in lines
    assert "equal yes" in lines_of(overlap_report(FIRST, FIRST))


def test_a_log_is_told_with_each_tasks_slopes(tmp_path):
    log = LogWriter(tmp_path / "log", {"tasks": ["a", "b"], "num_directions": 1, "num_steps": 4, "run_seed": 7})
    for slopes in ([1.0, 0.0], [-3.0, 2.0]):
        log.append(torch.tensor([slopes]), torch.ones(1))
    log.close()
    unfinished = lines_of(log_report(tmp_path / "log.part", read_log(tmp_path / "log.part")))
    assert "steps 2 of 4" in unfinished
    assert "seed 7" in unfinished
    assert "weights none: the run is not finished" in unfinished
    assert "a -1 2 3 50.0 % 0.0 %" in unfinished
    assert "b 1 1 2 50.0 % 50.0 %" in unfinished
    size = (tmp_path / "log.part").stat().st_size
    assert f"size {size} bytes, 12 a step" in unfinished


def test_a_log_without_a_step_is_told_too(tmp_path):
    LogWriter(tmp_path / "log", {"tasks": ["a"], "num_directions": 1}).finish({"steps": 0, "checksum": "c0"})
    lines = lines_of(log_report(tmp_path / "log", read_log(tmp_path / "log")))
    assert "steps 0 of an unknown number" in lines
    assert "weights c0" in lines


def test_a_record_is_told_with_scores_and_costs():
    lines = lines_of(record_report(Path("record.json"), record("mazo", 1, {"rte": 0.75, "squad": 0.25})))
    assert "run hand, model m, mix two, method mazo, seed 1" in lines
    assert "mean score 50.00" in lines
    assert "rte 75.00 1.00 100 0" in lines
    assert "evaluate 1.0 0 MiB" in lines
