"""Which settings of each method do best on the dev rows, out of as many trials for every method.

A trial is one training run with the suite's steps and examples, at a seed of its own. No test row is read.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from mazo.config import Suite
from mazo.errors import TrainingError
from mazo.files import write_json
from mazo.overrides import Overrides
from mazo.reading import read_json


@dataclass(frozen=True)
class Trial:
    """One try of a method's settings."""

    settings: Overrides
    """What was tried, by key."""
    dev_loss: float | None
    """Mean over tasks after the last step; none where training stopped early."""
    fault: str | None
    """Why training stopped early."""
    steps: int
    seconds: float

    @property
    def rank(self) -> float:
        """The dev loss, infinite where there is none."""
        return math.inf if self.dev_loss is None or math.isnan(self.dev_loss) else self.dev_loss


@dataclass(frozen=True)
class Tuning:
    """A method's trials on one model and mix, and what they were."""

    model: str
    mix: str
    method: str
    label: str
    trials: Sequence[Trial]
    seed: int
    batch_per_task: int
    dev_examples: int
    """Dev examples a task that the loss is a mean over."""
    dtype: str
    base_checksum: str
    """Of the untrained model's weights."""
    code: str
    """Digest of the package's source."""

    @property
    def best(self) -> Trial:
        """The trial with the lowest dev loss, the first of equals; raises :class:`mazo.errors.TrainingError` if none.

        A method that diverges at every value tried has no setting to go on with.
        """
        best = min(self.trials, key=lambda trial: trial.rank)
        if math.isinf(best.rank):
            raise TrainingError(
                f"tune.grids.{self.method}: wanted a trial that ends with a finite dev loss on {self.model}, "
                f"{self.mix}; found none of {len(self.trials)}, the last: {self.trials[-1].fault}; "
                "try smaller values of lr"
            )
        return best

    @property
    def at_edge(self) -> list[str]:
        """Keys whose chosen value is the least or greatest tried: a wider grid might find a better one."""
        found = []
        for key, chosen in self.best.settings.items():
            tried = [trial.settings[key] for trial in self.trials]
            numbers = {float(value) for value in tried if isinstance(value, int | float)}
            if len(numbers) > 1 and chosen in (min(numbers), max(numbers)):
                found.append(key)
        return found


def write_tuning(tuning: Tuning, out: Path) -> None:
    """Write a method's trials as JSON."""
    write_json(out, asdict(tuning))


def read_tuning(path: Path) -> Tuning:
    """Read them back; raises :class:`mazo.errors.TrainingError` for a file that holds none."""
    told = "wanted a method's trials as JSON; found none that can be read"
    return read_json(path, told, shape=TypeAdapter(Tuning).validate_python, error=TrainingError)


def tuning_path(model: str, mix: str, method: str) -> str:
    """Return where a method's trials lie below the suite's folder."""
    return f"tune/{model}/{mix}/{method}.json"


def read_tunings(suite: Suite, results: Path) -> list[Tuning]:
    """Read every method's trials, in the order of the tables."""
    return [
        read_tuning(results / tuning_path(model, mix, method))
        for model in suite.models
        for mix in suite.mixes
        for method in suite.methods
        if method in suite.tune.grids
    ]


def chosen_settings(tunings: Sequence[Tuning]) -> Mapping[str, Mapping[str, Mapping[str, Overrides]]]:
    """Return the best trials' settings as a suite's ``tuned`` holds them: model, mix, method."""
    chosen: dict[str, dict[str, dict[str, Overrides]]] = {}
    for tuning in tunings:
        chosen.setdefault(tuning.model, {}).setdefault(tuning.mix, {})[tuning.method] = tuning.best.settings
    return chosen
