"""A tuning, small: from grids to the report and to a suite that trains with what was chosen, with no test row read."""

import json

import yaml
from test_smoke_workflow import snakemake

from mazo.cli import main
from mazo.configfile import load_suite

SUITE = {
    "suite": "tiny",
    "models": {"mini-llama": {"path": "embedded:llama"}},
    "mixes": {"two": ["rte", "copa"]},
    "methods": {"zero_shot": {"kind": "zero_shot"}, "mtl_zo": {"kind": "zeroth_order", "lr": 1e-9}},
    "seeds": [0],
    "data": {"train": 8, "dev": 4, "test": 4},
    "training": {"num_steps": 3, "batch_per_task": 1, "dev_every": 3, "dev_examples": 4},
    "tune": {"grids": {"mtl_zo": {"lr": [1e-4, 1e-3]}}},
}


def test_a_tuning_runs_to_its_report_and_its_choice_to_the_run(tmp_path):
    file = tmp_path / "tiny.yaml"
    text = yaml.safe_dump(SUITE, sort_keys=False)
    file.write_text(f"{text}# tuned: begin (written by `mazo tuned`)\n# tuned: end\n")
    said = snakemake(tmp_path, "--configfile", file, "--", "tune")
    tables = tmp_path / "results" / "tiny" / "tables"
    assert "(Rule: trials)" in said
    assert "(Rule: evaluate)" not in said
    assert not list(tmp_path.rglob("samples.jsonl"))
    assert "Every method has 2 trials" in (tables / "tuning.md").read_text()
    assert main(["tuned", "--table", str(tables / "tuned.yaml"), "--out", str(file)]) == 0
    chosen = load_suite(file).tuned["mini-llama"]["two"]["mtl_zo"]["lr"]
    assert chosen in (1e-4, 1e-3)
    record = "results/tiny/runs/mini-llama/two/mtl_zo/seed_0/record.json"
    said = snakemake(tmp_path, "--configfile", file, "--", record)
    assert "(Rule: train)" in said
    assert "(Rule: trials)" not in said
    assert json.loads((tmp_path / record).read_text())["run"]["method"]["lr"] == chosen
