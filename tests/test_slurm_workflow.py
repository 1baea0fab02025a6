"""The workflow through a real SLURM of one node: the same tables as on this machine alone, whatever is cancelled.

python tests/test_slurm_workflow.py config/mini.yaml     # any suite; this one takes a quarter of an hour
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import one_node_slurm
import pytest
import yaml
from test_smoke_workflow import REPOSITORY, SNAKEMAKE, snakemake

SUITE = {
    "suite": "tiny",
    "models": {"mini-llama": {"path": "embedded:llama"}},
    "mixes": {"two": ["rte", "copa"]},
    "methods": {
        "mazo": {"kind": "zeroth_order", "lr": 1e-3, "mask": {"scores": {"calibration_examples": 2}}},
    },
    "seeds": [0],
    "data": {"train": 8, "dev": 4, "test": 8},
    "training": {"num_steps": 20, "batch_per_task": 1, "dev_every": 20, "dev_examples": 4},
}
TABLES = ("main", "comparison", "ranks")
# No accounting and a single node: states come from squeue, at once.
HERE = (
    "--workflow-profile",
    REPOSITORY / "workflow" / "profiles" / "slurm",
    *("--jobs", "20", "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"),
    *("--latency-wait", "10", "--default-resources", "slurm_partition=main"),
    *("--slurm-no-account", "--seconds-between-status-checks", "2"),
)


@pytest.fixture
def slurm(tmp_path):
    if reason := one_node_slurm.missing():
        pytest.skip(reason)
    with one_node_slurm.one_node_slurm(tmp_path / "slurm"):
        yield


def running() -> dict[str, str]:
    """Return SLURM's running jobs, each with the comment that names its rule."""
    command = ["squeue", "-h", "-t", "RUNNING", "-o", "%i %k"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split(maxsplit=1) for line in lines)


def cancel_training(process: subprocess.Popen) -> str:
    """Cancel the training job as soon as it runs, and return its number; nothing if none ever ran."""
    while process.poll() is None:
        for job, comment in running().items():
            if "train" in comment:
                subprocess.run(["scancel", job], check=True)
                return job
        time.sleep(0.2)
    return ""


def run_with_a_cancelled_job(folder: Path, suite: dict, *, seconds: float = 600) -> None:
    """Run a suite through SLURM, a training cancelled, and here; raise ``AssertionError`` where a table differs."""
    (folder / "suite.yaml").write_text(yaml.safe_dump(suite, sort_keys=False))
    cluster, out = folder / "cluster", folder / "said.txt"
    command = [SNAKEMAKE, "--snakefile", REPOSITORY / "Snakefile", "--directory", cluster, *HERE]
    with out.open("w") as file:
        process = subprocess.Popen(
            [*map(str, command), "--configfile", str(folder / "suite.yaml")],
            stdout=file,
            stderr=file,
            env={name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"},
        )
        cancelled = cancel_training(process)
        assert process.wait(timeout=seconds) == 0, out.read_text()
    assert cancelled, "wanted a running training to cancel"
    assert "Trying to restart job" in out.read_text()
    local = folder / "local"
    local.mkdir()
    snakemake(local, "--configfile", folder / "suite.yaml")
    for name in TABLES:
        files = [place / "results" / suite["suite"] / "tables" / f"{name}.csv" for place in (local, cluster)]
        assert files[0].read_bytes() == files[1].read_bytes(), name


def test_a_cancelled_job_is_done_again_and_the_tables_are_those_of_a_local_run(slurm, tmp_path):
    run_with_a_cancelled_job(tmp_path, SUITE)


if __name__ == "__main__":
    if reason := one_node_slurm.missing():
        sys.exit(reason)
    with tempfile.TemporaryDirectory() as name, one_node_slurm.one_node_slurm(Path(name) / "slurm"):
        run_with_a_cancelled_job(Path(name), yaml.safe_load(Path(sys.argv[1]).read_text()), seconds=3600)
    print("a training was cancelled and done again; the tables are those of a local run, byte for byte")
