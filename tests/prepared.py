"""Prepared rows for tests: generated ones of all tasks, or real ones of all tasks but two, whose rows are by hand."""

from rows_by_hand import MULTIRC, WIC, write_official
from toy import toy_model, toy_tokenizer

from mazo.config import TASKS, DataSettings
from mazo.data import prepare_task

REAL = tuple(task for task in TASKS if task not in ("wic", "multirc"))


def prepare_mini(out, *, train=12, dev=6, test=12, tasks=TASKS):
    for task in tasks:
        prepare_task(task, DataSettings(train=train, dev=dev, test=test), out=out)
    return out


def prepare_real(out, shared, *, train=12, dev=6, test=12):
    by_hand = write_official(out / "official", {"wic": WIC, "multirc": MULTIRC})
    for task in TASKS:
        folder = shared / "tasks" if task in REAL else by_hand
        prepare_task(
            task, DataSettings(source="folder", data_dir=str(folder), train=train, dev=dev, test=test), out=out
        )
    return out


def prepare_with_toy_model(out):
    """Prepare two tasks' rows, and beside them a toy model's folder, ``model``."""
    prepare_mini(out, tasks=("rte", "copa"))
    toy_model().save_pretrained(out / "model")
    toy_tokenizer([" Yes", " No"]).save_pretrained(out / "model")
    return out
