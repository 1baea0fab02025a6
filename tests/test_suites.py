"""The suites for real models: their jobs and their plans, on a machine without a network, a model or a card."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_smoke_workflow import REPOSITORY, snakemake

from mazo.config import Suite
from mazo.configfile import load_suite
from mazo.grid import is_masked, is_scored, is_trained, runs
from mazo.plan.shape import model_shape

PAPER = ("paper_llama2_7b", "paper_mistral_7b")
SUITES = (*PAPER, "small_gpu")


def read(name: str) -> Suite:
    return load_suite(REPOSITORY / "config" / f"{name}.yaml")


@pytest.mark.parametrize("name", SUITES)
def test_a_dry_run_lists_every_job_without_a_network(name, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "none"))
    said = snakemake(tmp_path, "--dry-run", "--configfile", REPOSITORY / "config" / f"{name}.yaml")
    counts = dict(line.split() for line in said.partition("---")[2].splitlines() if len(line.split()) == 2)
    planned = list(runs(read(name)))
    wanted = {"prepare": 8, "lengths": 1, "evaluate": len(planned), "train": sum(map(is_trained, planned))}
    wanted |= {"mask": sum(map(is_masked, planned)), "score": sum(map(is_scored, planned))}
    assert {rule: int(counts[rule]) for rule in wanted} == wanted


@pytest.mark.parametrize("name", SUITES)
def test_its_plan_needs_no_network_and_no_weights(name, tmp_path):
    command = [Path(sys.executable).parent / "mazo", "plan", "--config", REPOSITORY / "config" / f"{name}.yaml", "h100"]
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=offline)
    assert done.returncode == 0, done.stderr
    lines = [line.split(" | ")[0] for line in done.stdout.splitlines() if line.startswith("| ")]
    labels = [method.label for method in read(name).methods.values()]
    tuning = ["| Tuning, besides"] if read(name).tune.grids else []
    assert lines == ["| Method", *(f"| {label}" for label in labels), "| All", *tuning]


@pytest.mark.parametrize("name", SUITES)
def test_models_are_pinned_and_their_shapes_known(name):
    for settings in read(name).models.values():
        assert len(settings.revision) == 40
        assert model_shape(settings).weights > 1e9


def test_the_papers_two_suites_differ_in_their_model_alone():
    llama, mistral = (read(name) for name in PAPER)
    different = {key for key in Suite.model_fields if getattr(llama, key) != getattr(mistral, key)}
    assert different == {"suite", "models"}


@pytest.mark.parametrize("name", SUITES)
def test_every_setting_that_all_rows_share_says_where_it_is_from(name):
    lines = (REPOSITORY / "config" / f"{name}.yaml").read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("seeds:"))
    last = next((i for i, line in enumerate(lines) if line.startswith("tune:")), len(lines))
    sized = [line for line in lines[first:last] if ": " in line and not line.strip().startswith("#")]
    assert [line for line in sized if "#" not in line] == []


def test_the_papers_suites_have_every_row_of_the_full_comparison():
    wanted = {method.label for method in read("mini_full").methods.values()} - {"4-shot in context"}
    assert wanted <= {method.label for method in read(PAPER[0]).methods.values()}
