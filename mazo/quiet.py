"""Libraries kept from leaving traces: bars of short loads, hints for their own command lines, draws from ``random``."""

import logging
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

LOGGERS = ("transformers", "datasets", "huggingface_hub", "lm_eval", "lm-eval")


@contextmanager
def quiet() -> Iterator[None]:
    """Hide the libraries' log lines below errors and progress bars begun inside, and put Python's ``random`` back.

    lm-eval draws a random name for every task it looks at, and throws it away. Exceptions pass through untouched.
    """
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    state = random.getstate()
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        # A progress bar takes sys.stderr as it is when the bar begins; log handlers keep the one they were made with.
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):  # noqa: PTH123 (devnull is no path)
            yield
    finally:
        random.setstate(state)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
