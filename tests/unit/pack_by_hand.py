"""A finished suite's folder written by hand: what the claims read, and all else that a pack holds."""

import json
from pathlib import Path

from claims_by_hand import METHODS, hand_suite, outcome, write_suite

from mazo.cli import main
from mazo.config import Suite
from mazo.files import write_json, write_text
from mazo.grid import is_trained, run_folder, runs
from mazo.tuning import Trial, Tuning, tuning_path, write_tuning

CONFIG = Path(__file__).resolve().parents[2] / "config"
GRIDS = {name: {"lr": [1e-4, 1e-3]} for name in ("mtl_zo", "mazo", "famo", "adam", "alone")}
SINGLE = {"kind": "zeroth_order", "lr": 1e-3, "scope": "single_task", "label": "Alone"}
SPLITS = ("train", "dev", "test")


def write_finished(results: Path) -> Suite:
    """Write a suite with a single-task method, claims and a tuning; the rights of its rows are all different."""
    settings = hand_suite(methods=METHODS | {"alone": SINGLE}, tune={"grids": GRIDS})
    effects = outcome()
    for task, right in (("rte", 7), ("squad", 3)):
        effects["right"][f"alone@{task}"] = right
        effects["train_peak"][f"alone@{task}"] = 100
        effects["reached"][f"alone@{task}"] = 500
    write_suite(settings, results, effects)
    for run in runs(settings):
        if is_trained(run):
            about = {"base_checksum": "base", "checksum": f"{run.method_name}-{run.seed}"}
            write_json(results / run_folder(run) / "train.json", about)
    _write_data(results / "data")
    for method, grid in GRIDS.items():
        trials = [Trial({"lr": lr}, loss, None, 10, 1.5) for lr, loss in zip(grid["lr"], (0.5, 0.4), strict=True)]
        tuned = Tuning("m", "two", method, method, trials, 1000, 4, 50, "float32", "abcdef", "code")
        write_tuning(tuned, results / tuning_path("m", "two", method))
    write_text(results / "config.json", settings.model_dump_json(indent=1) + "\n")
    return settings


def _write_data(data: Path) -> None:
    rows = {"rows": 10, "available": 10, "wanted": 10, "sha256": "abc"}
    about = {"origin": "by hand", "source": "mini", "split": "generated", "seed": 0, "shared_contents": 0}
    lengths = {"rows": 10, "cut": 0, "tokens_cut": 0, "mean_tokens": 20.5, "most_tokens": 30}
    for task in ("rte", "squad"):
        write_json(data / task / "report.json", about | {"task": task, "splits": dict.fromkeys(SPLITS, rows)})
    tasks = {task: dict.fromkeys(SPLITS, lengths) for task in ("rte", "squad")}
    write_json(data / "lengths" / "m.json", {"model": "m", "context": 512, "tasks": tasks})


def pack(results: Path, out: Path) -> int:
    """Run ``mazo pack``."""
    options = {"config": results / "config.json", "results": results, "out": out}
    options |= {name: CONFIG / f"{name}.yaml" for name in ("claims", "published")}
    return main(["pack", *(text for name, path in options.items() for text in (f"--{name}", str(path)))])


def make_by_stages(results: Path) -> None:
    """Write the suite's tables and figures, a stage after the other."""
    for stage in ("tables", "sizes", "compare", "figures", "convergence", "transfer", "tuning", "claims"):
        options = ["--config", str(results / "config.json"), "--results", str(results)]
        options += ["--claims", str(CONFIG / "claims.yaml")] if stage == "claims" else []
        assert main([stage, *options]) == 0


def answers(results: Path) -> set[str]:
    """Return what the models answered, as the samples' files have it."""
    lines = [json.loads(line) for file in results.rglob("samples.jsonl") for line in file.read_text().splitlines()]
    return {json.dumps(line["response"]) for line in lines}
