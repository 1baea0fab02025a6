"""A task's rows, from wherever a suite takes them, to ``<data>/<task>/{train,dev,test}.jsonl``."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mazo.config import DataSettings
from mazo.errors import DataError
from mazo.files import sha256, write_json
from mazo.official import HUB, origin, read_official, task_folder
from mazo.rows import FIELDS, content_key, read_jsonl, read_split, without_duplicates, write_jsonl
from mazo.seeding import numpy_generator

__all__ = ["FIELDS", "HUB", "SPLITS", "check_data", "mezo_sizes", "prepare_task", "read_rows", "split_sizes"]

SPLITS = ("train", "dev", "test")
OFFICIAL = {"train": "train", "dev": "train", "test": "validation"}
"""The official split each of ours is drawn from; the official test labels are not public."""
MEZO_DEV = {"copa": 100}
"""Dev rows that MeZO's scripts set for a task whatever they set for the others."""


class Drawn(NamedTuple):
    """A task's three splits, and what there was to draw from."""

    splits: dict[str, list[dict]]
    available: dict[str, int]
    """Rows of each split's official split, or those generated."""


def prepare_task(task: str, settings: DataSettings, *, out: Path) -> dict:
    """Write a task's three splits and ``report.json`` with their sizes, origins and hashes; return that report.

    Test rows come from the official validation split, train and dev rows from the official train split. With
    ``split: sane`` no content stands in two splits; with ``split: mezo`` the data set's own repetitions stay.

    :param out: Folder of all tasks.
    :raises DataError: rows that are absent, lack a field, or are too few.
    """
    drawn = _generate(task, settings) if settings.source_of(task) == "mini" else _draw(task, settings)
    for split in SPLITS:
        write_jsonl(out / task / f"{split}.jsonl", drawn.splits[split])
    report = _report(task, settings, drawn=drawn, folder=out / task)
    write_json(out / task / "report.json", report)
    return report


def read_rows(data: Path, task: str, *, split: str) -> list[dict]:
    """Read a split that :func:`prepare_task` wrote.

    :raises DataError: a split that is not there, or a row that is not the task's.
    """
    if split not in SPLITS:
        raise DataError(f"split: wanted one of {', '.join(SPLITS)}; found {split!r}")
    return read_split(data / task, task, split=split)


def rows_digest(data: Path, task: str, split: str) -> str:
    """Return the SHA-256 of a split that :func:`prepare_task` wrote, in hexadecimal."""
    return sha256(data / task / f"{split}.jsonl")


def check_data(settings: DataSettings, tasks: Sequence[str]) -> None:
    """Check, before any job starts, that a folder holds every task's files and every row its fields.

    :raises DataError: the first fault, naming file, line, field, wanted, found.
    """
    for task in tasks:
        if settings.source_of(task) == "folder":
            for split in ("train", "validation"):
                read_jsonl(task_folder(task, settings) / f"{split}.jsonl", task=task)


def split_sizes(available: int, *, train: int, dev: int) -> tuple[int, int]:
    """Share rows between train and dev: as wanted, or in the wanted ratio where they are short.

    Short rows never give dev more than train (drawing dev first would leave WSC 54 rows to train on and 500 for dev).

    :param available: Rows there are.
    :param train: Training rows wanted.
    :param dev: Dev rows wanted.
    """
    if available >= train + dev:
        return train, dev
    dev_had = min(available * dev // (train + dev), available // 2)
    return min(train, available - dev_had), dev_had


def mezo_sizes(available: int, *, train: int, dev: int) -> tuple[int, int]:
    """Share rows between train and dev as MeZO's large-model code does: dev whole, training what is left.

    It draws train + dev rows in one permutation and takes the last for dev: WSC is left with 54 rows to train on.

    :param available: Rows there are.
    :param train: Training rows wanted.
    :param dev: Dev rows wanted.
    """
    drawn = min(available, train + dev)
    return max(0, drawn - dev), min(dev, drawn)


def _generate(task: str, settings: DataSettings) -> Drawn:
    from mazo.mini.rows import generate_rows

    splits = {
        split: generate_rows(task, split=split, count=getattr(settings, split), seed=settings.seed) for split in SPLITS
    }
    return Drawn(splits, {split: len(rows) for split, rows in splits.items()})


def _draw(task: str, settings: DataSettings) -> Drawn:
    official = {name: read_official(task, settings, split=name) for name in ("train", "validation")}
    test = _shuffled(official["validation"], settings.seed, "test", task)[: settings.test]
    rest = _shuffled(official["train"], settings.seed, "train and dev", task)
    if settings.split == "sane":
        rest = without_duplicates(rest, of=test)
        train, dev = split_sizes(len(rest), train=settings.train, dev=settings.dev)
    else:
        wanted_dev = min(settings.dev, MEZO_DEV.get(task, settings.dev))
        train, dev = mezo_sizes(len(rest), train=settings.train, dev=wanted_dev)
    if min(train, dev) < 1:
        raise DataError(
            f"{task}: wanted distinct training rows for train and dev; found {len(rest)}, of which split: "
            f"{settings.split} gives {train} to train and {dev} to dev"
        )
    splits = {"train": rest[dev : dev + train], "dev": rest[:dev], "test": test}
    return Drawn(splits, {split: len(official[OFFICIAL[split]]) for split in SPLITS})


def _shuffled(rows: list[dict], seed: int, *purpose: str) -> list[dict]:
    return [rows[i] for i in numpy_generator(seed, "rows", *purpose).permutation(len(rows))]


def _report(task: str, settings: DataSettings, *, drawn: Drawn, folder: Path) -> dict:
    is_mini = settings.source_of(task) == "mini"
    return {
        "task": task,
        "source": settings.source_of(task),
        "origin": origin(task, settings),
        "split": "generated" if is_mini else settings.split,
        "seed": settings.seed,
        "shared_contents": _shared_contents(drawn.splits),
        "splits": {
            split: {
                "official_split": split if is_mini else OFFICIAL[split],
                "available": drawn.available[split],
                "rows": len(drawn.splits[split]),
                "wanted": getattr(settings, split),
                "sha256": sha256(folder / f"{split}.jsonl"),
            }
            for split in SPLITS
        },
    }


def _shared_contents(splits: dict[str, list[dict]]) -> int:
    """Count the contents that stand in more than one split."""
    contents = [content_key(row) for split in SPLITS for row in without_duplicates(splits[split])]
    return len(contents) - len(set(contents))
