"""Small runs of the fault scripts beside this file, and files damaged one at a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from full_disk import small_file_system
from fuzzed_inputs import fuzz_configurations, fuzz_rows
from killed_training import make_house, outcome
from killed_workflow import kill_workflow
from test_train import MASKED, ZO, make_run

from mazo.cli import main
from mazo.errors import MachineError, MazoError
from mazo.machine import machine_faults_told
from mazo.masks import load_mask
from mazo.train import train, trained_model

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return make_house(tmp_path_factory.mktemp("house"))


def test_training_killed_at_random_moments_ends_with_the_same_bytes():
    # A script of its own: it forks, which a process with other threads should not.
    folders = [REPOSITORY, REPOSITORY / "tests", REPOSITORY / "tests" / "unit"]
    done = subprocess.run(
        [sys.executable, REPOSITORY / "tests" / "faults" / "killed_training.py", "4"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders)), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 kills or more" in done.stdout


def test_changed_configurations_are_planned_or_refused_in_lines(tmp_path):
    told = fuzz_configurations(tmp_path, count=25)
    assert set(told) == {"planned", "refused"} and told.total() >= 25


def test_malformed_rows_are_taken_or_refused_in_one_line(tmp_path):
    told = fuzz_rows(tmp_path, count=60)
    assert set(told) == {"taken", "refused"} and told.total() >= 60


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB, and a call that makes it larger."""
    with small_file_system(tmp_path / "disk") as place:
        yield place, lambda: subprocess.run(["mount", "-o", "remount,size=16m", str(place)], check=True)


def test_a_full_disk_stops_training_and_costs_nothing_once_there_is_room(house, small_disk, tmp_path):
    place, enlarge = small_disk
    run = make_run(house, ZO)
    run = run.model_copy(update={"training": run.training.model_copy(update={"num_steps": 40})})
    (place / "other").write_bytes(bytes(4096 * 13))
    with pytest.raises(MachineError, match="the disk is full: free some space"), machine_faults_told("train"):
        train(run, data=house, mask=None, out=place / "run")
    assert all(file.name.endswith(".part") for file in (place / "run").iterdir())
    lines = (place / "run" / "train.part").read_bytes().count(b"\n")
    assert 2 <= lines < 40
    enlarge()
    for out in (place / "run", tmp_path / "whole"):
        train(run, data=house, mask=None, out=out)
    assert outcome(place / "run") == outcome(tmp_path / "whole")


def test_a_full_disk_is_one_line_on_the_command_line(small_disk, capsys):
    place, _ = small_disk
    suite = REPOSITORY / "config" / "mini.yaml"
    assert main(["prepare", "--config", str(suite), "--task", "boolq", "--out", str(place)]) == 2
    error = capsys.readouterr().err
    assert "the disk is full" in error and error.count("\n") == 1
    assert not list(place.rglob("*.jsonl"))


@pytest.mark.parametrize(
    "name", ["mask", "run/steps.log", "run/train.json", "model/model.safetensors", "rte/train.jsonl"]
)
def test_a_damaged_file_is_refused_or_does_not_matter(house, tmp_path, name):
    """Flip a bit, or cut the file, at places all over it: what is read afterwards is whole, or a MazoError says not."""
    make_house(tmp_path)
    run = make_run(tmp_path, MASKED)
    train(run, data=tmp_path, mask=tmp_path / "mask", out=tmp_path / "run")
    file = tmp_path / name
    whole, refused = file.read_bytes(), 0
    places = [len(whole) * part // 8 for part in range(8)]
    damaged = [whole[:i] + bytes([whole[i] ^ 4]) + whole[i + 1 :] for i in places] + [whole[:i] for i in places]
    wanted = load_mask(tmp_path / "mask").hash()
    for content in damaged:
        file.write_bytes(content)
        try:
            if name.startswith("rte"):
                train(run, data=tmp_path, mask=tmp_path / "mask", out=tmp_path / "again")
            assert load_mask(tmp_path / "mask").hash() == wanted
            trained_model(run, mask=tmp_path / "mask", out=tmp_path / "run")
        except MazoError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused >= 8


def test_the_workflow_killed_at_a_random_moment_ends_with_the_same_tables(kills, tmp_path):
    kill_workflow(tmp_path, kills=1, seed=3)
