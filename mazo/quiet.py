"""Silence for libraries that report what is no news: bars of short loads, hints for their own command lines."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

LOGGERS = ("transformers", "datasets", "huggingface_hub", "lm_eval", "lm-eval")


@contextmanager
def quiet() -> Iterator[None]:
    """Hide the libraries' log lines below errors, and progress bars begun inside; both come back afterwards.

    Exceptions pass through untouched; Python's own warnings are shown when the block ends.
    """
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        # A progress bar takes sys.stderr as it is when the bar begins; log handlers keep the one they were made with.
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):  # noqa: PTH123 (devnull is no path)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
