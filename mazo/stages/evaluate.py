"""Stage: a trained model's scores on the test rows, and the run's record."""

import time
from pathlib import Path

from mazo.config import Run
from mazo.evaluate import evaluate
from mazo.grid import is_trained
from mazo.records import StageCost, make_record, read_cost, read_training, stage_cost, training_cost, write_record
from mazo.train import trained_model
from mazo.zeroth_order.replay import weights_checksum


def run(run: Run, *, data: Path, mask: Path | None, out: Path) -> None:
    """Write ``results.json``, ``samples.jsonl`` and ``record.json``."""
    start = time.perf_counter()
    model, tokenizer = trained_model(run, mask=mask, out=out)
    base = None if is_trained(run) else weights_checksum(model.named_parameters())
    metrics = evaluate(
        model, tokenizer, tasks=run.tested, data=data, settings=run.evaluation, seed=run.seed, split="test", out=out
    )
    training = read_training(out / "train.json") if is_trained(run) else {}
    record = make_record(
        run,
        metrics={task: metrics[task] for task in run.tested},
        optimizer=training.get("optimizer", "none"),
        forwards=training.get("forwards", 0),
        trained_weights=training.get("trained_weights", 0),
        task_weights=training.get("task_weights", {}),
        mask=training.get("mask"),
        base_checksum=training.get("base_checksum", base),
        stages=_earlier_costs(run, out=out) | {"evaluate": stage_cost(start)},
    )
    write_record(record, out / "record.json")


def _earlier_costs(run: Run, *, out: Path) -> dict[str, StageCost]:
    costs = {stage: read_cost(out / f"{stage}.json") for stage in ("score", "mask") if (out / f"{stage}.json").exists()}
    if is_trained(run):
        costs["train"] = training_cost(out / "train.json")
    return costs
