"""Stage: a trained model's scores on the test rows, and the run's record."""

import json
import time
from pathlib import Path

from mazo.config import Run
from mazo.evaluate import evaluate
from mazo.grid import is_trained
from mazo.records import StageCost, make_record, read_cost, stage_cost, write_record
from mazo.train import trained_model


def run(run: Run, *, data: Path, mask: Path | None, out: Path) -> None:
    """Write ``results.json``, ``samples.jsonl`` and ``record.json``."""
    start = time.perf_counter()
    model, tokenizer = trained_model(run, mask=mask, out=out)
    metrics = evaluate(
        model, tokenizer, tasks=run.tested, data=data, settings=run.evaluation, seed=run.seed, split="test", out=out
    )
    training = json.loads((out / "train.json").read_text()) if is_trained(run) else {}
    record = make_record(
        run,
        metrics={task: metrics[task] for task in run.tested},
        optimizer=training.get("optimizer", "none"),
        forwards=training.get("forwards", 0),
        trained_weights=training.get("trained_weights", 0),
        task_weights=training.get("task_weights", {}),
        mask=training.get("mask"),
        stages=_earlier_costs(training, out=out) | {"evaluate": stage_cost(start)},
    )
    write_record(record, out / "record.json")


def _earlier_costs(training: dict, *, out: Path) -> dict[str, StageCost]:
    costs = {stage: read_cost(out / f"{stage}.json") for stage in ("score", "mask") if (out / f"{stage}.json").exists()}
    if training:
        costs["train"] = StageCost(seconds=training["seconds"], peak_memory=training["peak_memory"])
    return costs
