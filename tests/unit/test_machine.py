import errno
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

import mazo.stages.train
from mazo.cli import main
from mazo.errors import MachineError, TrainingError
from mazo.machine import machine_faults_told

SUITE = Path(__file__).resolve().parents[2] / "config" / "mini.yaml"


def told(command, action):
    with pytest.raises(MachineError) as caught, machine_faults_told(command):
        action()
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize(
    ("command", "setting"),
    [
        ("train", "training.micro_batch"),
        ("score", "scoring.layers_at_once"),
        ("evaluate", "evaluation.batch_size"),
        ("tables", "a machine with more memory"),
    ],
)
def test_too_little_memory_names_the_setting_to_lower(command, setting):
    line = told(command, lambda: torch.empty(2**50))
    assert line.startswith(f"{command}: out of memory: ") and setting in line
    assert setting in told(command, lambda: bytearray(2**60))
    gpu = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nGPU 0 has ...")

    def fail():
        raise gpu

    assert "CUDA out of memory. Tried to allocate 2 GiB." in told(command, fail)


def test_a_full_disk_is_told_whoever_wrote():
    for error, place in (
        (OSError(errno.ENOSPC, "No space left on device", "out/steps.log"), "out/steps.log"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "train"),
        (SafetensorError("I/O error: No space left on device (os error 28)"), "train"),
    ):

        def fail(error=error):
            raise error

        wanted = f"{place}: the disk is full: free some space and start again; what was finished is kept"
        assert told("train", fail) == wanted


def test_a_folder_that_may_not_be_written_is_one_line_on_the_command_line(capsys):
    assert main(["schema", "--out", "/sys/mazo/schema.yaml"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mazo: /sys/mazo: wanted to be allowed to write or read it; found ")
    assert error.count("\n") == 1


def test_a_file_where_a_folder_is_wanted_is_one_line_too(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["schema", "--out", str(tmp_path / "file" / "schema.yaml")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"mazo: {tmp_path}/file: ") and error.count("\n") == 1


def test_other_errors_pass():
    for error in (ValueError("x"), TrainingError("y"), RuntimeError("z"), OSError("no file named")):
        with pytest.raises(type(error)) as caught, machine_faults_told("train"):
            raise error
        assert caught.value is error


def test_the_stage_is_the_one_that_ran(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(mazo.stages.train, "run", lambda **_: torch.empty(2**50))
    suite = Path(__file__).resolve().parents[2] / "config" / "smoke.yaml"
    cell = ["--model", "mini-llama", "--mix", "all", "--method", "mtl_zo", "--seed", "0"]
    log = tmp_path / "log"
    options = ["--config", str(suite), *cell, "--data", str(tmp_path), "--out", str(tmp_path), "--log", str(log)]
    assert main(["train", *options]) == 2
    assert "train: out of memory: lower training.micro_batch" in capsys.readouterr().err
    assert "lower training.micro_batch" in log.read_text() and "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    ("log", "told"), [("/dev/full", "the disk is full"), ("/tmp", "Is a directory"), ("/proc/x/y.log", "No such file")]
)
def test_a_log_that_cannot_be_written_is_one_line_on_the_command_line(log, told, capsys):
    assert main(["check", "--config", str(SUITE), "--log", log]) == 2
    *before, last = capsys.readouterr().err.splitlines()
    assert last.startswith("mazo: ") and told in last
    assert before in ([], ["check: failed"])
