"""Stage: a task's rows, from wherever the suite takes them, to one folder of JSONL files."""

from pathlib import Path

from mazo.config import TASKS, Suite, check_name
from mazo.data import prepare_task


def run(suite: Suite, *, task: str, out: Path) -> None:
    """Write ``<out>/<task>/{train,dev,test}.jsonl`` and ``report.json``."""
    check_name("--task", task, TASKS)
    prepare_task(task, suite.data, out=out)
