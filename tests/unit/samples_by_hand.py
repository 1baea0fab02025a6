"""Samples of runs written by hand: which items a run gets right."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mazo.config import Suite
from mazo.files import write_text
from mazo.grid import run_folder, runs


def sample(task: str, row: int, score: float, **changes: object) -> dict:
    """A line of samples.jsonl."""
    response: object = "an answer" if task == "squad" else [-1.0, -2.0]
    hashes = {"doc_hash": f"doc-{task}-{row}", "prompt_hash": f"prompt-{task}-{row}"}
    return {"task": task, "doc_id": row, **hashes, "target": 0, "score": score, "response": response} | changes


def write_samples(folder: Path, scores: Mapping[str, Sequence[float]], **changes: object) -> None:
    """Write a run's file, tasks in order of their names."""
    lines = [sample(task, row, score, **changes) for task in sorted(scores) for row, score in enumerate(scores[task])]
    write_text(folder / "samples.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def write_all(suite: Suite, results: Path, scores: Mapping[str, Sequence[Mapping[str, Sequence[float]]]]) -> None:
    """Write the samples of all runs of a suite: by the name of the run, scores a seed."""
    for run in runs(suite):
        write_samples(results / run_folder(run), scores[run.method_name][suite.seeds.index(run.seed)])
