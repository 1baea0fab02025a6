"""What each assumed choice is worth: a default run against its alternatives, by dev loss, paired by seed.

A ledger is a suite of zeroth-order methods. The first is the default; every other differs from it in one choice and,
where it is tried at several step sizes, in ``lr``. The test split is never read.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mazo.config import Suite, select_run
from mazo.curve import read_curve
from mazo.errors import ConfigError, DataError, TrainingError
from mazo.evaluate import standard_error
from mazo.grid import run_folder
from mazo.methods import ZerothOrder
from mazo.reading import read_json

DEFAULT = "default"
Losses = dict[int, float]
"""Seed to dev loss."""


@dataclass(frozen=True)
class Trial:
    """One method of the ledger: a choice's alternative at one step size."""

    choice: str
    """Key below the method, with dots, for example ``mask.scores.alpha``; ``default`` for the default itself."""
    value: str
    """The alternative, with the other keys that it needs, if any."""
    lr: float
    method: str


@dataclass(frozen=True)
class Row:
    """A line of the table: an alternative at its best step size, and the default it compares with at its own."""

    choice: str
    value: str
    lr: float
    rates: int
    """Step sizes tried; the default it compares with was tried at as many."""
    seeds: int
    dev_loss: float
    """Mean over tasks and seeds, after the last step."""
    error: float | None
    """Standard error over seeds; none from one seed."""
    difference: float
    """From the default's dev loss, by the mean over seeds; below zero where the alternative is better."""
    difference_error: float | None
    """Standard error of the differences paired by seed."""
    model: str
    """Checksum of the untrained model's weights, its first 12 digits."""
    num_steps: int
    batch_per_task: int
    dev_examples: int


def list_trials(suite: Suite) -> list[Trial]:
    """Name the choice that each method of a ledger tries.

    Raises :class:`mazo.errors.ConfigError` for a suite that is no ledger, naming the method at fault.
    """
    for key in ("models", "mixes"):
        if len(found := getattr(suite, key)) != 1:
            raise ConfigError(f"{key}: wanted one for a ledger; found {', '.join(found)}")
    settings = {name: _settings(name, method) for name, method in suite.methods.items()}
    default = next(iter(settings.values()))
    trials = [_trial(name, own, default=default) for name, own in settings.items()]
    _check_rates(trials)
    return trials


def _settings(name: str, method: object) -> dict[str, object]:
    if not isinstance(method, ZerothOrder):
        raise ConfigError(f"methods.{name}.kind: wanted zeroth_order, as all methods of a ledger; found another")
    if method.scope != "mix":
        raise ConfigError(f"methods.{name}.scope: wanted mix, as for all methods of a ledger; found {method.scope}")
    return dict(flat_settings(method.model_dump(exclude={"kind", "label"})))


def flat_settings(group: Mapping, prefix: str = "") -> Iterator[tuple[str, object]]:
    """List settings in groups as one list, the keys with dots."""
    for key, value in group.items():
        if isinstance(value, Mapping):
            yield from flat_settings(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _trial(name: str, own: dict[str, object], *, default: dict[str, object]) -> Trial:
    lr = own["lr"]
    assert isinstance(lr, float)
    changed = [(key, value) for key, value in own.items() if key != "lr" and default.get(key, "absent") != value]
    if not changed:
        return Trial(DEFAULT, DEFAULT, lr, name)
    (choice, value), *others = changed
    return Trial(choice, ", ".join([str(value), *(f"{key.split('.')[-1]} {v}" for key, v in others)]), lr, name)


def _check_rates(trials: Sequence[Trial]) -> None:
    """Insist that each alternative is tried at the default's own lr, or at as many as the default."""
    grouped = group_trials(trials)
    rates = [trial.lr for trial in grouped[DEFAULT, DEFAULT]]
    for (choice, value), tried in grouped.items():
        lrs = [trial.lr for trial in tried]
        is_fair = lrs == rates[:1] or len(lrs) == len(rates) > 1
        if not is_fair or len(set(lrs)) != len(lrs):
            raise ConfigError(
                f"methods.{tried[-1].method}.lr: wanted {choice} {value} at the default's {rates[0]:g} alone, or at "
                f"{len(rates)} step sizes, as many as the default; found {', '.join(f'{lr:g}' for lr in lrs)}"
            )


def group_trials(trials: Sequence[Trial]) -> dict[tuple[str, str], list[Trial]]:
    """Put the trials of each alternative together, in the suite's order."""
    grouped: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        grouped.setdefault((trial.choice, trial.value), []).append(trial)
    return grouped


def compare(
    trials: Sequence[Trial], losses: Mapping[str, Losses], *, model: str, num_steps: int, batch: int, dev_examples: int
) -> list[Row]:
    """Compare each alternative with the default: one step size with one, the best of several with the best of as many.

    :param losses: Each method's dev loss by seed; all methods have the same seeds.
    """
    grouped, rows = group_trials(trials), []
    for (choice, value), tried in grouped.items():
        counts = sorted({1, len(tried)}) if choice == DEFAULT else [len(tried)]
        for rates in counts:
            best = _best(tried[:rates], losses)
            own, base = losses[best.method], losses[_best(grouped[DEFAULT, DEFAULT][:rates], losses).method]
            differences = [own[seed] - base[seed] for seed in own]
            rows.append(
                Row(
                    choice=choice,
                    value=value,
                    lr=best.lr,
                    rates=rates,
                    seeds=len(own),
                    dev_loss=statistics.fmean(own.values()),
                    error=standard_error(list(own.values())),
                    difference=statistics.fmean(differences),
                    difference_error=standard_error(differences),
                    model=model,
                    num_steps=num_steps,
                    batch_per_task=batch,
                    dev_examples=dev_examples,
                )
            )
    return rows


def _best(trials: Sequence[Trial], losses: Mapping[str, Losses]) -> Trial:
    return min(trials, key=lambda trial: statistics.fmean(losses[trial.method].values()))


def read_ledger(suite: Suite, results: Path) -> list[Row]:
    """Read the runs of a finished ledger.

    :param results: The suite's folder.

    Raises :class:`mazo.errors.ConfigError` for a suite that is no ledger, :class:`mazo.errors.TrainingError` for runs
    that are absent or began from different weights.
    """
    trials = list_trials(suite)
    folders = {
        (trial.method, seed): results / _folder(suite, trial.method, seed) for trial in trials for seed in suite.seeds
    }
    bases = {_read_base(folder / "train.json") for folder in folders.values()}
    if len(bases) != 1:
        raise TrainingError(f"{results}: wanted runs of one model; found {len(bases)} checksums of untrained weights")
    losses: dict[str, Losses] = {trial.method: {} for trial in trials}
    for (method, seed), folder in folders.items():
        losses[method][seed] = final_dev_loss(folder / "curve.csv")
    training = suite.training
    return compare(
        trials,
        losses,
        model=bases.pop()[:12],
        num_steps=training.num_steps,
        batch=training.batch_per_task,
        dev_examples=min(training.dev_examples, suite.data.dev),
    )


def _folder(suite: Suite, method: str, seed: int) -> str:
    return run_folder(
        select_run(suite, model=next(iter(suite.models)), mix=next(iter(suite.mixes)), method=method, seed=seed)
    )


def _read_base(path: Path) -> str:
    told = "wanted the record of a finished training run; found none that can be read"
    return read_json(path, told, shape=lambda about: str(about["base_checksum"]), error=TrainingError)


def final_dev_loss(path: Path) -> float:
    """Return the mean over tasks of the last dev losses in a run's ``curve.csv``.

    :raises DataError: a file that is absent or damaged.
    """
    curve = read_curve(path)
    dev = curve[curve["split"] == "dev"]
    if dev.empty:
        raise DataError(f"{path}: wanted a dev loss; found none")
    return statistics.fmean(dev["loss"][dev["step"] == dev["step"].iloc[-1]])
