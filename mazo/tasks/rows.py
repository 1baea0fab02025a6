"""Prepared rows as lm-eval asks for them: split by split, each read when it is first wanted."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mazo.rows import read_split

if TYPE_CHECKING:
    from datasets import Dataset


class Splits(dict):
    """Splits by name; ``evaluated`` stands for the one that lm-eval scores."""

    def __init__(self, folder: Path, task: str, *, evaluated: str) -> None:
        super().__init__()
        self.folder, self.task, self.evaluated = folder, task, evaluated

    def __missing__(self, split: str) -> "Dataset":
        from datasets import Dataset

        name = self.evaluated if split == "evaluated" else split
        self[split] = Dataset.from_list(read_split(self.folder, self.task, split=name))
        return self[split]


def load(*, data_dir: str, task: str, evaluated: str = "test", **_: Any) -> Splits:
    """Give a task's splits to lm-eval, which calls this with its metadata.

    :param data_dir: Folder of all tasks, as ``mazo prepare`` wrote it.
    :param evaluated: Split to score.
    """
    return Splits(Path(data_dir) / task, task, evaluated=evaluated)
