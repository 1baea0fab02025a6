"""What a run leaves behind, told in plain text: masks, how two of them overlap, step logs, records."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from mazo.masks import Mask, jaccard, union
from mazo.records import Record
from mazo.zeroth_order import RunLog


def mask_report(path: Path, mask: Mask) -> str:
    """Describe a mask: what is kept of every matrix, what made it, and its size on disk."""
    covered = sum(rows * columns for rows, columns in mask.shapes.values())
    kept, size = mask.num_kept, path.stat().st_size
    about = {
        "kept": f"{kept:,} of {covered:,} weights in {len(mask.shapes)} matrices, density {100 * mask.density:.3f} %",
        "hash": mask.hash(),
        "size": f"{size:,} bytes, {8 * size / covered:.2f} bits a weight",
        "made by": json.dumps(mask.settings, sort_keys=True),
    }
    return f"{path}: mask\n{_pairs(about)}\n\n{_table([_matrix_row(mask, name) for name in mask.shapes])}"


def _matrix_row(mask: Mask, name: str) -> dict[str, object]:
    (rows, columns), kept = mask.shapes[name], mask.kept[name]
    in_row = torch.bincount(kept // columns, minlength=rows)
    low, high = int(in_row.min()), int(in_row.max())
    return {
        "matrix": name,
        "shape": f"{rows} x {columns}",
        "kept": f"{len(kept):,}",
        "density": f"{100 * len(kept) / (rows * columns):.3f} %",
        "in a row": f"{low}" if low == high else f"{low} to {high}",
    }


def overlap_report(first: Mask, second: Mask) -> str:
    """Compare two masks: the Jaccard overlap of every matrix of both, and of both masks whole."""
    overlaps, both = jaccard(first, second), union(first, second)
    shared = first.num_kept + second.num_kept - both.num_kept
    about = {
        "equal": "yes" if first.hash() == second.hash() else "no",
        "overlap": f"{shared / max(1, both.num_kept):.4f} (kept by both / kept by either)",
        "union": f"density {100 * both.density:.3f} %",
    }
    rows = [{"matrix": name, "overlap": f"{overlap:.4f}"} for name, overlap in overlaps.items()]
    return f"overlap of the two masks\n{_pairs(about)}\n\n{_table(rows)}"


def log_report(path: Path, log: RunLog) -> str:
    """Describe a step log: the run's settings and hashes, and each task's projected gradients."""
    header, size, steps = log.header, path.stat().st_size, len(log.coefficients)
    a_step = 4 * (log.projected_grads[:1].numel() + log.coefficients[:1].numel()) if steps else 0
    outcome = header.get("checksum", "none: the run is not finished")
    about = {
        "steps": f"{steps:,} of {header.get('num_steps', 'an unknown number')}",
        "seed": str(header.get("run_seed")),
        "settings": json.dumps(header.get("settings"), sort_keys=True),
        "mask": str(header.get("mask") or "none"),
        "base": f"{header.get('base')} ({header.get('dtype')})",
        "weights": str(outcome),
        "size": f"{size:,} bytes, {a_step} a step",
    }
    report = f"{path}: step log\n{_pairs(about)}"
    return f"{report}\n\nprojected gradients\n{_table(_slope_rows(log))}" if steps else report


def _slope_rows(log: RunLog) -> list[dict[str, object]]:
    slopes = log.projected_grads.flatten(0, 1).double()
    return [
        {
            "task": task,
            "mean": f"{column.mean():.3g}",
            "deviation": f"{column.std(correction=0):.3g}",
            "largest": f"{column.abs().max():.3g}",
            "positive": f"{100 * (column > 0).double().mean():.1f} %",
            "zero": f"{100 * (column == 0).double().mean():.1f} %",
        }
        for task, column in zip(log.header["tasks"], slopes.T, strict=True)
    ]


def record_report(path: Path, record: Record) -> str:
    """Describe a run's record: what was run, its scores and its cost."""
    run = record.run
    about = {
        "run": f"{run.suite}, model {run.model_name}, mix {run.mix}, method {run.method_name}, seed {run.seed}",
        "method": run.method.model_dump_json(),
        "optimizer": f"{record.optimizer}, {record.forwards:,} forwards",
        "versions": ", ".join(
            f"{name} {version}" for name, version in {"mazo": record.version, **record.libraries}.items()
        ),
        "hardware": ", ".join(f"{key} {value}" for key, value in record.hardware.items()),
        "mean score": f"{100 * record.mean:.2f}",
    }
    scores = [
        {
            "task": task,
            "score": f"{100 * score.score:.2f}",
            "error": "" if score.stderr is None else f"{100 * score.stderr:.2f}",
            "rows": score.n,
            "cut": score.num_cut,
        }
        for task, score in record.metrics.items()
    ]
    costs = [
        {"stage": stage, "seconds": f"{cost.seconds:.1f}", "peak memory": f"{cost.peak_memory / 2**20:,.0f} MiB"}
        for stage, cost in record.stages.items()
    ]
    return f"{path}: record\n{_pairs(about)}\n\n{_table(scores)}\n\n{_table(costs)}"


def _pairs(about: Mapping[str, str]) -> str:
    width = max(map(len, about))
    return "\n".join(f"  {key:{width}}  {value}" for key, value in about.items())


def _table(rows: Sequence[Mapping[str, object]]) -> str:
    return pd.DataFrame(rows).to_string(index=False)
