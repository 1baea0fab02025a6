"""Stage: a task's rows, from wherever the suite takes them, to one folder of JSONL files."""

from pathlib import Path

from mazo.config import TASKS, Suite, check_name
from mazo.data import prepare_task


def run(suite: Suite, *, task: str, out: Path) -> None:
    """Write ``<out>/<task>/{train,dev,test}.jsonl`` and ``report.json``, and print the sizes."""
    check_name("--task", task, TASKS)
    report = prepare_task(task, suite.data, out=out)
    sizes = ", ".join(f"{name} {_size(split)}" for name, split in report["splits"].items())
    print(f"{task}, {report['origin']}, split {report['split']}: {sizes}")


def _size(split: dict) -> str:
    short = f" (wanted {split['wanted']:,})" if split["rows"] < split["wanted"] else ""
    return f"{split['rows']:,} of {split['available']:,}{short}"
