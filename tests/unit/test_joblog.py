import io
import re
import sys
from pathlib import Path

import pytest
from tqdm import tqdm

from mazo import joblog
from mazo.errors import DataError
from mazo.joblog import job_log, one_line_each


def test_whole_lines_go_to_the_file_and_not_to_the_terminal(tmp_path, capsys):
    with job_log(tmp_path / "sub" / "a.log", name="train x"):
        print("to out")
        print("to err", file=sys.stderr)
    assert (tmp_path / "sub" / "a.log").read_text() == "to out\nto err\n"
    assert re.fullmatch(r"train x: done in \d+ s\n", capsys.readouterr().err)


def test_of_a_progress_bar_the_file_keeps_the_last_drawing(tmp_path):
    with job_log(tmp_path / "a.log", name="x"):
        for _ in tqdm(range(50), mininterval=0):
            pass
    (line,) = (tmp_path / "a.log").read_text().splitlines()
    assert "100%" in line
    assert "\r" not in line


def test_a_progress_bar_reaches_the_terminal_as_whole_lines_with_the_jobs_name(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(joblog, "SECONDS_BETWEEN_LINES", -1.0)
    with job_log(tmp_path / "a.log", name="train x"):
        for _ in tqdm(range(3), mininterval=0):
            pass
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("train x: ") and "67%" in line for line in lines)
    assert not any("\r" in line for line in lines)


def test_a_fault_is_in_the_file_and_still_raised(tmp_path, capsys):
    with pytest.raises(DataError), job_log(tmp_path / "a.log", name="x"):
        raise DataError("rows.jsonl: gone")
    assert (tmp_path / "a.log").read_text() == "mazo: rows.jsonl: gone\n"
    assert capsys.readouterr().err == "x: failed\n"


def test_a_traceback_is_in_the_file_and_the_error_still_raised(tmp_path):
    with pytest.raises(ZeroDivisionError), job_log(tmp_path / "a.log", name="x"):
        _ = 1 / 0
    assert "ZeroDivisionError" in (tmp_path / "a.log").read_text()


def test_a_log_that_cannot_be_written_does_not_hide_what_went_wrong(capsys):
    with pytest.raises(DataError, match="gone"), job_log(Path("/dev/full"), name="x"):
        raise DataError("rows.jsonl: gone")
    assert capsys.readouterr().err == "x: failed\n"


def test_a_job_whose_log_cannot_take_its_last_line_has_failed_and_nothing_else(capsys):
    with pytest.raises(OSError, match="No space left"), job_log(Path("/dev/full"), name="x"):
        print("half", end="")
    assert capsys.readouterr().err == "x: failed\n"


def test_the_streams_are_put_back(tmp_path):
    before = sys.stdout, sys.stderr
    with job_log(tmp_path / "a.log", name="x"):
        assert not isinstance(sys.stderr, io.TextIOWrapper)
    assert (sys.stdout, sys.stderr) == before


def test_every_line_of_an_error_carries_the_programs_name():
    assert one_line_each(DataError("a\nb")) == "mazo: a\nmazo: b"
