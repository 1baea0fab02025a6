"""Charge a Python process's processor time to what it does, where ``MAZO_COSTS`` names a folder for its account.

Python imports a module of this name by itself from ``PYTHONPATH``, so every job of a workflow is measured unchanged.
Each moment is charged to the innermost work under way.
"""

import atexit
import builtins
import importlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

WORKS = {
    "mazo.cli": {"main": "commands"},
    "transformers.models.llama.modeling_llama": {"LlamaModel.forward": "forwards"},
    "torch.autograd": {"backward": "backwards"},
    "mazo.trainers": {"ZerothOrderTrainer.step": "steps"},
    "mazo.models": {"load_model": "model loads"},
    "mazo.tasks": {"load_tasks": "tasks"},
    "mazo.encoding": {"encode_pairs": "tokenisation"},
    "mazo.importance.score": {"score_into": "scores"},
    "mazo.zeroth_order.step_log": {"replay_log_": "replays"},
}
"""Functions by module, and what their time is charged to."""


class Account:
    """Seconds by work; a stack of the works under way."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._stack, self._since = ["other"], 0.0
        self._patched: set[str] = set()
        self._command = sys.argv

    def restart(self) -> None:
        """Begin anew: the account of a process that was forked, and has spent nothing yet."""
        self.seconds.clear()
        self._stack, self._since = ["other"], 0.0

    def commanded(self, main: Callable) -> Callable:
        """Return a command line's function that notes what it is told: a forked process has its parent's arguments."""

        def noted(arguments: list[str] | None = None) -> int:
            self._command = arguments or sys.argv
            return main(arguments)

        return noted

    def charge(self) -> None:
        """Charge the time since the last call to the innermost work."""
        now = time.process_time()
        work = self._stack[-1]
        inside = "steps: " if "steps" in self._stack and work in ("forwards", "backwards") else ""
        self.seconds[inside + work] += now - self._since
        self._since = now

    def wrapped(self, function: Callable, work: str) -> Callable:
        """Return a function that charges its time to a work."""

        def charged(*arguments: Any, **options: Any) -> Any:
            self.charge()
            self._stack.append(work)
            try:
                return function(*arguments, **options)
            finally:
                self.charge()
                self._stack.pop()
                if work == "imports":
                    self._patch()

        return charged

    def _patch(self) -> None:
        for module, functions in WORKS.items():
            if module in self._patched or module not in sys.modules:
                continue
            loaded = sys.modules[module]
            if getattr(loaded.__spec__, "_initializing", False):
                continue
            self._patched.add(module)
            for path, work in functions.items():
                *owners, name = path.split(".")
                owner = loaded
                for step in owners:
                    owner = getattr(owner, step)
                of = self.commanded if work == "commands" else partial(self.wrapped, work=work)
                setattr(owner, name, of(getattr(owner, name)))

    def write(self, folder: Path) -> None:
        """Write the account, with the command it is of."""
        self.charge()
        about = {"command": self._command, "seconds": self.seconds}
        (folder / f"{os.getpid()}.json").write_text(json.dumps(about))


if folder := os.environ.get("MAZO_COSTS"):
    account = Account()
    builtins.__import__ = account.wrapped(builtins.__import__, "imports")
    importlib.import_module = account.wrapped(importlib.import_module, "imports")
    atexit.register(account.write, Path(folder))
    os.register_at_fork(after_in_child=account.restart)
