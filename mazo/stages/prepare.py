"""Stage: a task's rows, from wherever the suite takes them, to one folder of JSONL files."""

from pathlib import Path

from mazo.config import TASKS, Suite
from mazo.data import prepare_task
from mazo.errors import ConfigError


def run(suite: Suite, *, task: str, out: Path) -> None:
    """Write ``<out>/<task>/{train,dev,test}.jsonl`` and ``report.json``."""
    if task not in TASKS:
        raise ConfigError(f"--task: wanted one of {', '.join(TASKS)}; found {task!r}")
    prepare_task(task, suite.data, out=out)
