"""Wall and processor time, for timings side by side."""

import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from statistics import median, quantiles


class Clock:
    """Wall and processor time from its making until it is stopped, in seconds."""

    def __init__(self) -> None:
        self.wall, self.processor = -time.perf_counter(), -time.process_time()

    def stop(self) -> "Clock":
        """Stop it."""
        self.wall += time.perf_counter()
        self.processor += time.process_time()
        return self

    def mean(self, other: "Clock") -> "Clock":
        """Return the mean of this and another, both stopped."""
        both = copy(self)
        both.wall, both.processor = (self.wall + other.wall) / 2, (self.processor + other.processor) / 2
        return both


def timed(work: Callable[[], object], *, times: int = 1) -> Clock:
    """Time some work done several times over."""
    clock = Clock()
    for _ in range(times):
        work()
    return clock.stop()


@dataclass(frozen=True)
class Ratio:
    """How long some work took beside units of work timed just before and after: median and quartiles of the repeats."""

    wall: float
    processor: float
    low: float
    high: float
    """Quartiles of the ratio in processor time."""
    seconds: float
    """Median wall time of the work, done once."""

    def __str__(self) -> str:
        return f"{self.processor:.3f} ({self.low:.3f} to {self.high:.3f})"


def ratios(
    works: Mapping[str, Callable[[], object]], unit: Callable[[], object], *, repeats: int, times: int = 1
) -> dict[str, Ratio]:
    """Time every work between two units of work, in turns: one repeat of each, then the next.

    A machine that grows slower or faster meanwhile does so to both.

    :param repeats: At least 2.
    :param times: How often each is done in a repeat.
    """
    pairs: dict[str, list[tuple[Clock, Clock]]] = {name: [] for name in works}
    names = list(works)
    before = timed(unit, times=times)
    for repeat in range(repeats):
        # Begun at another place in every repeat, so that none always follows the same neighbour.
        for name in names[repeat % len(names) :] + names[: repeat % len(names)]:
            work, after = timed(works[name], times=times), timed(unit, times=times)
            pairs[name].append((before.mean(after), work))
            before = after
    return {name: _ratio(both, times=times) for name, both in pairs.items()}


def _ratio(pairs: list[tuple[Clock, Clock]], *, times: int) -> Ratio:
    processor = [work.processor / unit.processor for unit, work in pairs]
    low, middle, high = quantiles(processor, n=4, method="inclusive")
    wall = median(work.wall / unit.wall for unit, work in pairs)
    return Ratio(wall, middle, low, high, median(work.wall / times for _, work in pairs))
