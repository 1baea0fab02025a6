"""A suite's configuration: the grid of its runs, and the run that each table cell stands for.

The line under a key is its meaning in ``config/README.md`` and its default's source ([paper], [field], [assumed]).
"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, model_validator

from mazo.errors import ConfigError
from mazo.methods import FirstOrder, InContext, Method, ZerothOrder
from mazo.overrides import Overrides, replaced
from mazo.settings import Settings
from mazo.suite_settings import (
    MOST_TRIALS,
    TASKS,
    DataSettings,
    EvaluationSettings,
    ModelSettings,
    Name,
    ScoringSettings,
    Seed,
    StatisticsSettings,
    TaskName,
    TrainingSettings,
    TuneSettings,
)


def num_steps(method: Method, training: TrainingSettings) -> int:
    """Return how many steps a method that trains does: the suite's, unless it sets another number."""
    own = method.num_steps if isinstance(method, ZerothOrder | FirstOrder) else None
    return training.num_steps if own is None else own


class Suite(Settings):
    """One suite: the grid models x mixes x methods x seeds, and the settings they share."""

    suite: Name
    """Name of the suite and of its folder under ``results/``."""
    models: Annotated[dict[Name, ModelSettings], Field(min_length=1)]
    """The models, by the name they carry in paths and tables."""
    mixes: Annotated[dict[Name, Annotated[list[TaskName], Field(min_length=1)]], Field(min_length=1)]
    """Lists of tasks trained together, by name."""
    methods: Annotated[dict[Name, Method], Field(min_length=1)]
    """The rows of the table, by name and in order."""
    reference: Name | None = None
    """The method that every other is compared with; when absent, ``mazo`` if there is one, else the first."""
    seeds: Annotated[list[Seed], Field(min_length=1)]
    """One run a seed; runs with equal seeds see the same examples in the same order."""
    data: DataSettings = DataSettings()
    scoring: ScoringSettings = ScoringSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    statistics: StatisticsSettings = StatisticsSettings()
    tune: TuneSettings = TuneSettings()
    tuned: dict[Name, dict[Name, dict[Name, Overrides]]] = Field(default={})
    """Settings that replace a method's on one model and mix: model, mix, method, then the method's keys. Written by
    `mazo tuned` from what `snakemake tune` chose."""

    @model_validator(mode="after")
    def _folder_is_free(self) -> "Suite":
        if self.suite == "reference":
            raise ValueError("suite: wanted any other name; found 'reference', whose folder holds committed tables")
        return self

    @model_validator(mode="after")
    def _reference_known(self) -> "Suite":
        if self.reference is not None and self.reference not in self.methods:
            raise ValueError(f"reference: wanted one of {', '.join(self.methods)}; found {self.reference!r}")
        return self

    @model_validator(mode="after")
    def _no_repeats(self) -> "Suite":
        mixes: dict[str, list] = {f"mixes.{name}": list(mix) for name, mix in self.mixes.items()}
        for key, values in ({"seeds": self.seeds} | mixes).items():
            if len(set(values)) != len(values):
                raise ValueError(f"{key} repeats a value: {values}")
        return self

    @model_validator(mode="after")
    def _coba_begins(self) -> "Suite":
        for name, method in self.methods.items():
            if isinstance(method, ZerothOrder | FirstOrder) and method.weighting == "coba":
                steps = num_steps(method, self.training)
                if method.coba.warm_up >= steps:
                    found = f"found warm_up {method.coba.warm_up}, {steps} steps"
                    raise ValueError(f"methods.{name}.coba.warm_up must be below the run's num_steps; {found}")
        return self

    @model_validator(mode="after")
    def _trials_are_fair(self) -> "Suite":
        if not self.tune.grids:
            return self
        _check_known("tune.grids", self.tune.grids, self.methods)
        trained = [name for name, method in self.methods.items() if isinstance(method, ZerothOrder | FirstOrder)]
        if unlike := sorted(set(trained) ^ set(self.tune.grids)):
            raise ValueError(f"tune.grids: wanted every trained method and no other; found otherwise: {unlike[0]}")
        counts = {name: self.tune.count_trials(name) for name in trained}
        if max(counts.values()) > MOST_TRIALS:
            name = max(counts, key=counts.__getitem__)
            raise ValueError(f"tune.grids.{name}: wanted at most {MOST_TRIALS} trials; found {counts[name]}")
        if len(set(counts.values())) > 1:
            found = ", ".join(f"{name} {count}" for name, count in counts.items())
            raise ValueError(f"tune.grids: wanted as many trials for every method; found {found}")
        for name in trained:
            for trial in self.tune.trials(name):
                _check_overrides(f"tune.grids.{name}", self.methods[name], trial)
        if self.tune.seed in self.seeds:
            raise ValueError(f"tune.seed: wanted none of the suite's seeds; found {self.tune.seed}")
        return self

    @model_validator(mode="after")
    def _tuned_known(self) -> "Suite":
        _check_known("tuned", self.tuned, self.models)
        for model, mixes in self.tuned.items():
            _check_known(f"tuned.{model}", mixes, self.mixes)
            for mix, methods in mixes.items():
                _check_known(f"tuned.{model}.{mix}", methods, self.methods)
                for name, overrides in methods.items():
                    _check_overrides(f"tuned.{model}.{mix}.{name}", self.methods[name], overrides)
        return self

    def method(self, name: str, *, model: str, mix: str) -> Method:
        """Return a method with the settings that were tuned for a model and a mix."""
        return replaced(self.methods[name], self.tuned.get(model, {}).get(mix, {}).get(name, {}))

    @property
    def tasks(self) -> list[str]:
        """Every task of any mix, in the suite's canonical order."""
        return [task for task in TASKS if any(task in mix for mix in self.mixes.values())]

    @property
    def reference_method(self) -> str:
        """The method that every other is compared with."""
        return self.reference or ("mazo" if "mazo" in self.methods else next(iter(self.methods)))


def _check_known(key: str, names: Iterable[str], known: Iterable[str]) -> None:
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{key}: wanted one of {', '.join(known)}; found {unknown[0]!r}")


def _check_overrides(key: str, method: Method, overrides: Overrides) -> None:
    try:
        replaced(method, overrides)
    except ValueError as error:
        raise ValueError(f"{key}.{error}") from None


class Run(Settings):
    """One cell's run: everything that decides its bytes."""

    suite: Name
    model_name: Name
    model: ModelSettings
    mix: Name
    tasks: list[TaskName]
    """What it trains on: the mix, or the one task of a single-task run."""
    tested: list[TaskName]
    """What it is tested on: the mix."""
    method_name: str
    """Key of the method; of a single-task run ``<method>@<task>``."""
    method: Method
    seed: Seed
    data: DataSettings
    scoring: ScoringSettings = ScoringSettings()
    training: TrainingSettings
    evaluation: EvaluationSettings


def check_name(key: str, name: str, known: Iterable[str]) -> None:
    """Insist that a name is a known one; raises :class:`mazo.errors.ConfigError` with those there are."""
    if name not in (names := list(known)):
        raise ConfigError(f"{key}: wanted one of {', '.join(names)}; found {name!r}")


def run_names(suite: Suite, mix: str) -> dict[str, tuple[str, list[TaskName]]]:
    """Name the runs that a mix's methods stand for, as paths do, with the method's key and the tasks that it trains on.

    A single-task method has one a task, ``<method>@<task>``; no key of the user's has that sign.
    """
    names: dict[str, tuple[str, list[TaskName]]] = {}
    for key, method in suite.methods.items():
        if isinstance(method, ZerothOrder) and method.scope == "single_task":
            names |= {f"{key}@{task}": (key, [task]) for task in suite.mixes[mix]}
        else:
            names[key] = (key, suite.mixes[mix])
    return names


def select_run(suite: Suite, *, model: str, mix: str, method: str, seed: int) -> Run:
    """Pick one cell of the grid, or say which names exist.

    :param method: A name of :func:`run_names`. A single-task run has as many examples in a step as one on the mix has
        of all tasks, so that it costs as much (BASELINES: single-task ZO).
    """
    check_name("models", model, suite.models)
    check_name("mixes", mix, suite.mixes)
    check_name("methods", method, names := run_names(suite, mix))
    key, tasks = names[method]
    settings, evaluation, tested = suite.method(key, model=model, mix=mix), suite.evaluation, suite.mixes[mix]
    batch = suite.training.batch_per_task * len(tested) // len(tasks)
    if isinstance(settings, InContext):
        evaluation = evaluation.model_copy(update={"num_fewshot": settings.shots})
    return Run(
        suite=suite.suite,
        model_name=model,
        model=suite.models[model],
        mix=mix,
        tasks=tasks,
        tested=tested,
        method_name=method,
        method=settings,
        seed=seed,
        data=suite.data,
        scoring=suite.scoring,
        training=suite.training.model_copy(update={"batch_per_task": batch}),
        evaluation=evaluation,
    )
