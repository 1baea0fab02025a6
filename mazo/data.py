"""A task's rows, from wherever a suite takes them, to ``<data>/<task>/{train,dev,test}.jsonl``."""

from collections.abc import Sequence
from pathlib import Path

from mazo.config import DataSettings
from mazo.errors import DataError
from mazo.files import sha256, write_json
from mazo.rows import FIELDS, check_row, read_jsonl, without_duplicates, write_jsonl
from mazo.seeding import numpy_generator

__all__ = ["FIELDS", "SPLITS", "check_data", "prepare_task", "read_rows", "split_sizes"]

SPLITS = ("train", "dev", "test")
OFFICIAL = {"train": "train", "dev": "train", "test": "validation"}
"""The official split each of ours is drawn from; the official test labels are not public."""
FOLDERS = {"wsc": ("wsc", "wsc_fixed", "wsc.fixed")}
HUB: dict[str, tuple[str, str | None]] = {
    "sst2": ("nyu-mll/glue", "sst2"),
    "boolq": ("aps/super_glue", "boolq"),
    "rte": ("aps/super_glue", "rte"),
    "wsc": ("aps/super_glue", "wsc.fixed"),
    "wic": ("aps/super_glue", "wic"),
    "multirc": ("aps/super_glue", "multirc"),
    "copa": ("aps/super_glue", "copa"),
    "squad": ("rajpurkar/squad", None),
}


def prepare_task(task: str, settings: DataSettings, *, out: Path) -> None:
    """Write a task's three splits and ``report.json`` with their sizes, origins and hashes.

    Test rows come from the official validation split, train and dev rows from the official train split; no content
    stands in two splits.

    :param out: Folder of all tasks.
    :raises DataError: rows that are absent or lack a field.
    """
    splits = _generate(task, settings) if settings.source == "mini" else _draw(task, settings)
    for split in SPLITS:
        write_jsonl(out / task / f"{split}.jsonl", splits[split])
    write_json(out / task / "report.json", _report(task, settings, splits=splits, folder=out / task))


def read_rows(data: Path, task: str, *, split: str) -> list[dict]:
    """Read a split that :func:`prepare_task` wrote.

    :raises DataError: a split that is not there, or a row that is not the task's.
    """
    if split not in SPLITS:
        raise DataError(f"split: wanted one of {', '.join(SPLITS)}; found {split!r}")
    return read_jsonl(data / task / f"{split}.jsonl", task=task)


def check_data(settings: DataSettings, tasks: Sequence[str]) -> None:
    """Check, before any job starts, that a folder holds every task's files and every row its fields.

    :raises DataError: the first fault, naming file, line, field, wanted, found.
    """
    if settings.source == "folder":
        for task in tasks:
            for split in ("train", "validation"):
                read_jsonl(_folder(settings, task) / f"{split}.jsonl", task=task)


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


def _generate(task: str, settings: DataSettings) -> dict[str, list[dict]]:
    from mazo.mini.rows import generate_rows

    return {
        split: generate_rows(task, split=split, count=getattr(settings, split), seed=settings.seed) for split in SPLITS
    }


def _draw(task: str, settings: DataSettings) -> dict[str, list[dict]]:
    read = _read_folder if settings.source == "folder" else _read_hub
    test = _shuffled(read(settings, task, split="validation"), settings.seed, "test", task)[: settings.test]
    rest = _shuffled(read(settings, task, split="train"), settings.seed, "train and dev", task)
    rest = without_duplicates(rest, of=test)
    train, dev = split_sizes(len(rest), train=settings.train, dev=settings.dev)
    if dev < 1:
        raise DataError(f"{task}: wanted at least 2 distinct training rows for train and dev; found {len(rest)}")
    return {"train": rest[dev : dev + train], "dev": rest[:dev], "test": test}


def _shuffled(rows: list[dict], seed: int, *purpose: str) -> list[dict]:
    return [rows[i] for i in numpy_generator(seed, "rows", *purpose).permutation(len(rows))]


def _folder(settings: DataSettings, task: str) -> Path:
    data_dir = Path(settings.data_dir or "").expanduser()
    if not data_dir.is_dir():
        raise DataError(f"data.data_dir: wanted a folder with <task>/train.jsonl; found no folder {data_dir}")
    names = FOLDERS.get(task, (task,))
    for name in names:
        if (data_dir / name).is_dir():
            return data_dir / name
    found = ", ".join(sorted(entry.name for entry in data_dir.iterdir() if entry.is_dir())) or "none"
    raise DataError(f"data.data_dir: {data_dir}: wanted a folder {' or '.join(names)}; found {found}")


def _read_folder(settings: DataSettings, task: str, *, split: str) -> list[dict]:
    return read_jsonl(_folder(settings, task) / f"{split}.jsonl", task=task)


def _read_hub(settings: DataSettings, task: str, *, split: str) -> list[dict]:
    import datasets

    from mazo.quiet import quiet

    repository, name = HUB[task]
    try:
        with quiet():
            rows = datasets.load_dataset(repository, name, split=split)
    except (OSError, ValueError, RuntimeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(f"{task}: wanted {repository} from the Hugging Face hub or its cache; {reason}") from error
    return [check_row(task, row, place=f"{repository} {name or ''} {split} row {i}") for i, row in enumerate(rows)]


def _report(task: str, settings: DataSettings, *, splits: dict[str, list[dict]], folder: Path) -> dict:
    wanted = {split: getattr(settings, split) for split in SPLITS}
    return {
        "task": task,
        "source": settings.source,
        "seed": settings.seed,
        "splits": {
            split: {
                "official_split": split if settings.source == "mini" else OFFICIAL[split],
                "rows": len(splits[split]),
                "wanted": wanted[split],
                "sha256": sha256(folder / f"{split}.jsonl"),
            }
            for split in SPLITS
        },
    }
