"""The items of a suite's runs, each file read once: every run's samples, or one file that all are reduced to."""

from functools import cached_property
from pathlib import Path

import numpy as np

from mazo.config import Run, Suite
from mazo.errors import DataError
from mazo.files import write_text
from mazo.grid import run_folder, runs
from mazo.reading import reading
from mazo.samples import Items, read_samples
from mazo.settings import Settings

REDUCED = "samples.json"
"""The reduced file's name below the suite's folder."""


class ReducedTask(Settings):
    """One run's items of one task."""

    doc_hash: int
    """Index of the list of hashes, one an item."""
    prompt_hash: int
    score: list[float]
    is_binary: bool
    """As in :class:`mazo.samples.Items`."""


class Reduced(Settings):
    """All of a suite's samples, without the models' answers: neither log-probabilities nor texts."""

    hashes: list[tuple[str, ...]]
    """Every list once, as the runs of a suite share them."""
    runs: dict[str, dict[str, ReducedTask]]
    """By the run's folder, then by task."""


class SuiteItems:
    """The items of the runs below a suite's folder, read when they are first asked for."""

    def __init__(self, results: Path) -> None:
        self._results = results
        self._read: dict[str, dict[str, Items]] = {}

    def of(self, run: Run) -> dict[str, Items]:
        """Return a run's items by task.

        :raises DataError: samples that are absent or damaged.
        """
        folder = run_folder(run)
        if folder not in self._read:
            self._read[folder] = self._from_reduced(run) if self._reduced else self._from_samples(run)
        return self._read[folder]

    def _from_samples(self, run: Run) -> dict[str, Items]:
        return read_samples(self._results / run_folder(run) / "samples.jsonl", tasks=run.tested)

    @cached_property
    def _reduced(self) -> Reduced | None:
        path = self._results / REDUCED
        with reading(path, "wanted a suite's reduced samples; found none that can be read"):
            return Reduced.model_validate_json(path.read_bytes()) if path.exists() else None

    def _from_reduced(self, run: Run) -> dict[str, Items]:
        assert self._reduced is not None
        path, folder, hashes = self._results / REDUCED, run_folder(run), self._reduced.hashes
        tasks = self._reduced.runs.get(folder, {})
        if missing := [task for task in run.tested if task not in tasks]:
            raise DataError(
                f"{path}: {folder}: wanted samples of {', '.join(missing)}; found {', '.join(tasks) or 'none'}"
            )
        with reading(path, "wanted a suite's reduced samples; found none that can be read"):
            return {
                task: Items(
                    place=f"{path}: {folder}: {task}",
                    doc_hashes=hashes[tasks[task].doc_hash],
                    prompt_hashes=hashes[tasks[task].prompt_hash],
                    scores=np.array(tasks[task].score, dtype=float),
                    is_binary=tasks[task].is_binary,
                )
                for task in run.tested
            }


def write_reduced(suite: Suite, results: Path, out: Path) -> None:
    """Reduce the samples of all runs of a suite to one file; equal samples give equal bytes.

    :param results: The suite's folder.

    Raises :class:`mazo.errors.DataError` for samples that are absent or damaged.
    """
    places: dict[tuple[str, ...], int] = {}
    reduced: dict[str, dict[str, ReducedTask]] = {}
    for run in runs(suite):
        # A reader a run: what was read of the others need not be kept.
        reduced[run_folder(run)] = {
            task: ReducedTask(
                doc_hash=places.setdefault(own.doc_hashes, len(places)),
                prompt_hash=places.setdefault(own.prompt_hashes, len(places)),
                score=own.scores.tolist(),
                is_binary=own.is_binary,
            )
            for task, own in SuiteItems(results).of(run).items()
        }
    write_text(out, Reduced(hashes=list(places), runs=reduced).model_dump_json() + "\n")
