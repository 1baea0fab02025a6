"""A single-task method, small: a model a task, tested on all tasks, to the transfer matrix and two rows of a table."""

import csv

import yaml
from test_smoke_workflow import records, snakemake, table

SUITE = {
    "suite": "tiny",
    "models": {"mini-llama": {"path": "embedded:llama"}},
    "mixes": {"two": ["rte", "copa"]},
    "methods": {
        "zero_shot": {"kind": "zero_shot"},
        "alone": {"kind": "zeroth_order", "lr": 1e-2, "scope": "single_task"},
    },
    "reference": "zero_shot",
    "seeds": [0],
    "data": {"train": 8, "dev": 4, "test": 12},
    "training": {"num_steps": 2, "batch_per_task": 1, "dev_every": 2, "dev_examples": 4},
    "statistics": {"resamples": 100},
}


def test_every_single_task_model_is_tested_on_all_tasks_and_tabled(tmp_path):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(SUITE, sort_keys=False))
    said = snakemake(tmp_path, "--configfile", tmp_path / "tiny.yaml")
    assert "results/tiny/tables/{main,comparison,ranks,cost,data,convergence,transfer}.{csv,md,tex}" in said
    results = tmp_path / "results" / "tiny"
    assert all((results / "figures" / f"transfer.{suffix}").exists() for suffix in ("svg", "png"))
    found = {record["run"]["method_name"]: record for record in records(results)}
    assert set(found) == {"zero_shot", "alone@rte", "alone@copa"}
    assert found["alone@rte"]["run"]["tasks"] == ["rte"]
    assert all(set(record["metrics"]) == {"rte", "copa"} for record in found.values())
    assert found["alone@rte"]["run"]["training"]["batch_per_task"] == 2

    with (results / "tables" / "transfer.csv").open() as file:
        matrix = {(line["trained"], line["tested"]): float(line["mean"]) for line in csv.DictReader(file)}
    main = {key: float(line["mean"]) for key, line in table(results).items()}
    for task in ("rte", "copa"):
        scores = [100 * found[f"alone@{trained}"]["metrics"][task]["score"] for trained in ("rte", "copa")]
        assert [round(score, 4) for score in scores] == [matrix["rte", task], matrix["copa", task]]
        assert main["alone", task] == matrix[task, task]
        assert main["alone@shared", task] == matrix["shared", task]
    with (results / "tables" / "comparison.csv").open() as file:
        differences = {(line["method"], line["task"]): float(line["difference"]) for line in csv.DictReader(file)}
    for key, difference in differences.items():
        assert abs(main[key] - main["zero_shot", key[1]] - difference) < 2e-4
