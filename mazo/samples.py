"""The decisions a run left in ``samples.jsonl``, and whether those of two runs are about the same items."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mazo.errors import DataError
from mazo.reading import reading

KEYS = ("task", "doc_id", "doc_hash", "prompt_hash", "score", "response")


@dataclass(frozen=True)
class Items:
    """One run's test items of one task, in the order of their rows."""

    place: str
    """File and task, for messages."""
    doc_hashes: tuple[str, ...]
    prompt_hashes: tuple[str, ...]
    scores: Float[np.ndarray, " items"]
    """In [0, 1]."""
    is_binary: bool
    """Whether a score says just right or wrong: a model's choice among answers, and not a written answer's F1."""


def read_samples(path: Path, *, tasks: Iterable[str]) -> dict[str, Items]:
    """Read a run's samples, by task.

    :raises DataError: a file that is absent or damaged, or lacks a task or a row.
    """
    lines: dict[str, list[dict]] = {}
    with reading(path, "a run's samples cannot be read"):
        for sample in _read_lines(path):
            lines.setdefault(sample["task"], []).append(sample)
        if missing := [task for task in tasks if task not in lines]:
            raise DataError(f"{path}: wanted samples of {', '.join(missing)}; found {', '.join(lines) or 'none'}")
        return {task: _items(lines[task], place=f"{path}: {task}") for task in tasks}


def _read_lines(path: Path) -> list[dict]:
    samples = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            sample = json.loads(line)
        except (ValueError, RecursionError):
            sample = None
        if not isinstance(sample, dict) or any(key not in sample for key in KEYS):
            raise DataError(f"{path}:{number}: wanted an object with {', '.join(KEYS)}; found {line[:60]!r}")
        samples.append(sample)
    return samples


def _items(samples: Sequence[dict], *, place: str) -> Items:
    rows = [sample["doc_id"] for sample in samples]
    for wanted, found in zip_longest(range(len(rows)), rows):
        if wanted != found:
            raise DataError(f"{place}: wanted row {wanted} next; found row {found}: a row is missing or stands twice")
    return Items(
        place=place,
        # A suite's runs repeat the same hashes: one copy of each is kept.
        doc_hashes=tuple(sys.intern(sample["doc_hash"]) for sample in samples),
        prompt_hashes=tuple(sys.intern(sample["prompt_hash"]) for sample in samples),
        scores=np.array([sample["score"] for sample in samples], dtype=float),
        is_binary=all(isinstance(sample["response"], list) for sample in samples),
    )


def check_paired(own: Items, other: Items, *, same_prompts: bool) -> None:
    """Insist that two runs were tested on the same items, in the same prompts where these ought to be the same.

    :raises DataError: naming both runs and the first row that differs.
    """
    if len(own.scores) != len(other.scores):
        raise DataError(f"{own.place}: wanted {len(other.scores)} rows, as in {other.place}; found {len(own.scores)}")
    _check_equal("doc_hash", own.doc_hashes, other.doc_hashes, own=own, other=other)
    if same_prompts:
        _check_equal("prompt_hash", own.prompt_hashes, other.prompt_hashes, own=own, other=other)


def _check_equal(key: str, found: Sequence[str], wanted: Sequence[str], *, own: Items, other: Items) -> None:
    if found == wanted:
        return
    for row, (mine, theirs) in enumerate(zip(found, wanted, strict=True)):
        if mine != theirs:
            raise DataError(
                f"{own.place}, row {row}: wanted {key} {theirs[:12]}, as in {other.place}; found {mine[:12]}: "
                "the runs were not tested on the same items"
            )


def average_items(runs: Sequence[Items]) -> Items:
    """Average the scores of several runs on each item; one run stays as it is.

    :raises DataError: runs that were not tested on the same items.
    """
    first, *others = runs
    for other in others:
        check_paired(other, first, same_prompts=True)
    if not others:
        return first
    return replace(first, scores=np.mean([run.scores for run in runs], axis=0), is_binary=False)
