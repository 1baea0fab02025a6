"""Every bad input stops the workflow before any job starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bad_inputs import BAD_INPUTS, CANARY, good_suite

REPOSITORY = Path(__file__).resolve().parents[1]
SNAKEMAKE = Path(sys.executable).parent / "snakemake"


def run_workflow(folder: Path, suite: dict, *, more: str = "") -> subprocess.CompletedProcess:
    (folder / "suite.yaml").write_text(yaml.safe_dump(suite) + more)
    command = [SNAKEMAKE, "--snakefile", REPOSITORY / "Snakefile", "--directory", folder, "--cores", "1"]
    return subprocess.run(
        [*command, "--configfile", folder / "suite.yaml"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


# Of the slow ones, all of which test_checks.py has, one that is not marked so stands for all.
QUICK = [bad for bad in BAD_INPUTS if not bad.is_slow]


@pytest.mark.parametrize("bad", QUICK, ids=[bad.name for bad in QUICK])
def test_the_workflow_stops_with_one_message_and_no_job(bad, tmp_path):
    suite = good_suite(tmp_path)
    done = run_workflow(tmp_path, suite | bad.changes(tmp_path))
    (message,) = [line for line in done.stderr.splitlines() if line.startswith("mazo: ")]
    for word in bad.words:
        assert word in message
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()
    assert not list(tmp_path.rglob(CANARY))


def test_a_key_given_twice_stops_the_workflow(tmp_path):
    done = run_workflow(tmp_path, good_suite(tmp_path), more="seeds: [1]\n")
    (message,) = [line for line in done.stderr.splitlines() if line.startswith("mazo: ")]
    assert "suite.yaml: is not valid YAML (wanted each key once; found seeds again" in message
    assert done.returncode == 1 and "Traceback" not in done.stderr
