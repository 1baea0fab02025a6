"""Which task each row of a batch belongs to, for layers that differ by task and are called with activations alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from jaxtyping import Int
from torch import Tensor

from mazo.errors import ModelError

_TASKS: ContextVar[Tensor | None] = ContextVar("row_tasks", default=None)


@contextmanager
def row_tasks(tasks: Int[Tensor, " rows"]) -> Iterator[None]:
    """Tell every forward inside the task number of each row: its place among the tasks of the training."""
    token = _TASKS.set(tasks)
    try:
        yield
    finally:
        _TASKS.reset(token)


def current_row_tasks(num_rows: int) -> Int[Tensor, " rows"]:
    """Return the task number of each row; raises :class:`mazo.errors.ModelError` where those of other rows are set."""
    tasks = _TASKS.get()
    if tasks is None or len(tasks) != num_rows:
        found = "none" if tasks is None else f"those of {len(tasks)}"
        raise ModelError(
            f"adapter mtl_lora: wanted the tasks of {num_rows} rows (mazo.adapters.row_tasks); found {found}"
        )
    return tasks
