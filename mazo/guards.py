"""What stops a run that has gone wrong, from the numbers of its steps: a loss out of bounds, or no slope at all."""

import math
from collections.abc import Sequence
from statistics import fmean

from mazo.config import Run
from mazo.errors import DivergedError, StuckError
from mazo.journal import Entry
from mazo.methods import FirstOrder, ZerothOrder

RATIO_OUT_OF_BOUNDS = 5.0
"""Mean dev loss over that before the first step, from which a run counts as diverged [assumed]."""
LEAST_OUT_OF_BOUNDS = 10.0
"""And the least that it must be, in nats: about that of a uniform guess among 22,000 tokens [assumed]."""
STEPS_WITHOUT_SLOPE = 100
"""Steps in a row whose every projected gradient is exactly 0, from which a run counts as stuck [assumed]."""


class Guard:
    """Watches a run, step by step.

    A run by metric has slopes of exactly 0 wherever no answer changes, so there they stop nothing.

    :param untrained: Checksum of all weights before the first step.
    """

    def __init__(self, run: Run, *, untrained: str) -> None:
        assert isinstance(run.method, ZerothOrder | FirstOrder)
        self._lr, self._eps, self._dtype = run.method.lr, getattr(run.method, "eps", None), run.model.dtype
        self._by_loss = getattr(run.method, "objective", "loss") == "loss"
        self._untrained = untrained
        self._start: float | None = None
        self._without_slope = 0

    def watch(self, entries: Sequence[Entry]) -> None:
        """Look at the next steps.

        Raises :class:`mazo.errors.DivergedError` for a dev loss out of bounds, and :class:`mazo.errors.StuckError`
        where there has been no slope for many steps.
        """
        for entry in entries:
            if entry.dev is not None:
                self._check_dev(entry.step, entry.dev)
            slopes = [slope for direction in entry.numbers.projected_grads for slope in direction]
            self._without_slope = self._without_slope + 1 if slopes and not any(slopes) else 0
            if self._by_loss and self._without_slope >= STEPS_WITHOUT_SLOPE:
                raise StuckError(
                    f"step {entry.step}: wanted a slope, found every projected gradient exactly 0 in "
                    f"{self._without_slope} steps in a row: the weights have run away (try a smaller lr, now "
                    f"{self._lr:g}), or eps moves no weight in {self._dtype} (try a larger one, now {self._eps:g})"
                )

    def watch_end(self, num_steps: int, dev: Sequence[float], *, checksum: str) -> None:
        """Look at the outcome; raises as :meth:`watch` does, and for weights that never changed, unless lr is 0.

        :param checksum: Of all weights after the last step.
        """
        self._check_dev(num_steps, dev)
        if checksum != self._untrained or self._lr == 0:
            return
        message = (
            f"wanted training to change the weights, found every one as it was after {num_steps} steps: lr (now "
            f"{self._lr:g}) is too small for weights in {self._dtype}, or no step had a slope"
        )
        if self._by_loss:
            raise StuckError(message)
        print(message)

    def _check_dev(self, step: int, losses: Sequence[float]) -> None:
        mean = fmean(losses)
        if step == 0 and not math.isfinite(mean):
            raise DivergedError(
                f"step 0: wanted finite dev losses of the untrained model, found {list(losses)}; the weights' type may "
                f"be too narrow for it (dtype, now {self._dtype})"
            )
        self._start = mean if self._start is None else self._start
        bound = max(LEAST_OUT_OF_BOUNDS, RATIO_OUT_OF_BOUNDS * self._start)
        if not mean <= bound:
            raise DivergedError(
                f"step {step}: wanted a mean dev loss of at most {bound:.3g} ({self._start:.3g} before the first "
                f"step), found {mean:.3g}; try a smaller lr (now {self._lr:g})"
            )
