"""The workflow through a real SLURM of one node: the same tables as on this machine alone, whatever is cancelled."""

import os
import subprocess
import time

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
    *("--latency-wait", "10", "--default-resources", "slurm_partition=main", "runtime=10", "mem_mb=1000"),
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


def test_a_cancelled_job_is_done_again_and_the_tables_are_those_of_a_local_run(slurm, tmp_path):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(SUITE, sort_keys=False))
    cluster, out = tmp_path / "cluster", tmp_path / "said.txt"
    command = [SNAKEMAKE, "--snakefile", REPOSITORY / "Snakefile", "--directory", cluster, *HERE]
    with out.open("w") as file:
        process = subprocess.Popen(
            [*map(str, command), "--configfile", str(tmp_path / "tiny.yaml")],
            stdout=file,
            stderr=file,
            env={name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"},
        )
        cancelled = cancel_training(process)
        assert process.wait(timeout=600) == 0, out.read_text()
    assert cancelled, "wanted a running training to cancel"
    assert "Trying to restart job" in out.read_text()
    local = tmp_path / "local"
    local.mkdir()
    snakemake(local, "--configfile", tmp_path / "tiny.yaml")
    for name in TABLES:
        files = [folder / "results" / "tiny" / "tables" / f"{name}.csv" for folder in (local, cluster)]
        assert files[0].read_bytes() == files[1].read_bytes(), name
