"""What the command lines of docs/cluster.md ask SLURM for, by dry runs: memory, time, GPUs, partition of every job."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from test_smoke_workflow import REPOSITORY, SNAKEMAKE

PAGE = (REPOSITORY / "docs" / "cluster.md").read_text()
MAZO = {"kind": "zeroth_order", "lr": 1e-3, "mask": {}}
SUITE = {
    "suite": "tiny",
    "models": {"m": {"path": "embedded:llama", "device": "cuda"}},
    "mixes": {"all": ["rte", "copa"]},
    "methods": {"mazo": MAZO, "random": MAZO | {"mask": {"rule": "random"}}},
    "seeds": [0],
    "tune": {"grids": {name: {"lr": [1e-3, 1e-2]} for name in ("mazo", "random")}},
}
TARGETS = ("all", "claims", "tune", "mini_model", "results/tiny/conflict/m/all.json")
HOUR = {"mem_mb": "4000", "runtime": "60", "gpu": "1"}
TRAINING = HOUR | {"runtime": "240"}
SUBMITTED = {
    **dict.fromkeys(["score", "mask of random", "evaluate", "probe", "conflict"], HOUR),
    "mask of mazo": HOUR | {"gpu": "0"},
    **dict.fromkeys(["train", "trials"], TRAINING),
    "pretrain": {key: TRAINING[key] for key in ("mem_mb", "runtime")},
}
"""What is asked for where nothing is said, by rule; masks by method too, as one from scores loads no model."""
ACCOUNT = "--default-resources slurm_account=me slurm_partition=gpu"


def dry_run(folder: Path, *options: str, model: dict | None = None) -> str:
    """Return what snakemake would submit under the SLURM profile."""
    suite = SUITE | {"models": {"m": SUITE["models"]["m"] | (model or {})}}
    (folder / "suite.yaml").write_text(yaml.safe_dump(suite))
    profile = REPOSITORY / "workflow" / "profiles" / "slurm"
    command = [SNAKEMAKE, "--snakefile", REPOSITORY / "Snakefile", "--directory", folder, "--workflow-profile", profile]
    # Without --cores a dry run, and no other, takes every job to one thread.
    command += ["--dry-run", "--cores", "200", "--quiet", "host", "--configfile", folder / "suite.yaml"]
    done = subprocess.run(
        [*command, *options, "--", *TARGETS],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def asked(said: str) -> dict[str, dict[str, str]]:
    """Return the resources of the jobs that would be submitted, by rule, with threads where they are more than one."""
    jobs: dict[str, dict[str, str]] = {}
    for rule, job in re.findall(r"^ *rule (\w+):\n(.*?resources: [^\n]*)", said, re.MULTILINE | re.DOTALL):
        method = re.search("method=(mazo|random)", job)
        name = f"{rule} of {method[1]}" if rule == "mask" and method else rule
        if name in SUBMITTED:
            threads = re.search(r"threads: (\d+)", job)
            told = dict(item.split("=") for item in job.rpartition("resources: ")[2].split(", "))
            found = told | ({"threads": threads[1]} if threads else {})
            assert jobs.setdefault(name, found) == found
    return jobs


def documented(options: str) -> list[str]:
    """Split a line of the page into words."""
    assert f"`{options}`" in PAGE or f"{options}\n" in PAGE, f"wanted {options} in docs/cluster.md"
    return options.split()


def holds(found: dict[str, str], wanted: dict[str, str]) -> bool:
    return {key: found.get(key) for key in wanted} == wanted


def test_every_job_asks_for_memory_time_and_gpus(tmp_path):
    jobs = asked(dry_run(tmp_path))
    assert set(jobs) == set(SUBMITTED)
    assert {name: {key: jobs[name].get(key) for key in SUBMITTED[name]} for name in jobs} == SUBMITTED


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ("--set-resources train:slurm_partition=long", {"train": {"slurm_partition": "long"}}),
        ("--set-resources train:gpu_model=a100", {"train": {"gpu_model": "a100"}}),
        ("--set-resources train:gpu=4 evaluate:gpu=4", {"train": {"gpu": "4"}, "evaluate": {"gpu": "4"}}),
        (
            "--set-resources train:mem_mb=40000 train:runtime=1440",
            {"train": {"mem_mb": "40000", "runtime": "1440"}},
        ),
        (
            "--set-threads train=8 score=8 evaluate=8",
            {"train": {"threads": "8"}, "score": {"threads": "8"}, "evaluate": {"threads": "8"}},
        ),
        ("--slurm-status-command squeue", {}),
    ],
)
def test_a_documented_option_changes_what_it_names_and_nothing_else(options, changed, tmp_path):
    jobs = asked(dry_run(tmp_path, *documented(ACCOUNT), *documented(options)))
    assert set(jobs) == set(SUBMITTED)
    for name, usual in SUBMITTED.items():
        wanted = {"slurm_account": "me", "slurm_partition": "gpu"} | usual | changed.get(name, {})
        assert holds(jobs[name], wanted), (name, jobs[name])


def test_a_further_attempt_asks_for_as_much_again_where_an_option_says_so_too(tmp_path):
    (line,) = re.findall(r'--set-resources "train:mem_mb=[^"]*"', PAGE)
    jobs = asked(dry_run(tmp_path, "--attempt", "2", *documented(ACCOUNT), *line.replace('"', "").split()))
    assert holds(jobs["train"], {"mem_mb": "80000", "runtime": "480"})
    assert holds(jobs["evaluate"], {"mem_mb": "8000", "runtime": "120"})


def test_runs_grouped_on_the_command_line_leave_masks_with_their_scores(tmp_path):
    (line,) = re.findall(r"`(--groups [^`]*)`", PAGE)
    said = dry_run(tmp_path, *documented(ACCOUNT), *line.split())
    groups = re.split(r"^\[.*\] Group job ", said, flags=re.MULTILINE)[1:]
    rules = [(text.partition(" ")[0], sorted(re.findall(r"^    rule (\w+):", text, re.MULTILINE))) for text in groups]
    assert sorted(rules) == [
        ("importance", ["mask"]),
        ("importance", ["mask", "score"]),
        ("runs", ["evaluate", "evaluate", "train", "train"]),
    ]


@pytest.mark.parametrize(("model", "gpus"), [({"device": "cpu"}, "0"), ({"device_map": "auto"}, "1")])
def test_a_model_on_a_gpu_or_spread_over_several_asks_for_one(model, gpus, tmp_path):
    jobs = asked(dry_run(tmp_path, model=model))
    assert {name: job["gpu"] for name, job in jobs.items() if "gpu" in job} == {
        name: gpus if usual["gpu"] == "1" else "0" for name, usual in SUBMITTED.items() if "gpu" in usual
    }
