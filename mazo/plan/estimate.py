"""A suite's plan: what each row of its tables takes, from the settings and the models' shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mazo.config import Run, Suite, num_steps
from mazo.grid import is_scored, runs
from mazo.methods import FirstOrder, ZerothOrder
from mazo.plan.cards import Card, drawing_seconds, hours
from mazo.plan.memory import peak_memory
from mazo.plan.shape import Shape, model_shape, trained_sizes
from mazo.plan.work import Work, run_work, task_lengths


@dataclass(frozen=True)
class RunPlan:
    """What one run takes."""

    run: Run
    work: Work
    trained: int
    """Weights it trains."""
    memory: Mapping[str, int]
    """Peak memory by stage, in bytes."""
    disk: int
    """Bytes of its files."""
    hours: Mapping[str, float]
    """By card."""
    drawing_hours: float
    """Of these, the processor's, drawing directions."""


@dataclass(frozen=True)
class RowPlan:
    """What a row of the tables takes: all its runs, over seeds and, where it trains one a task, tasks."""

    model: str
    mix: str
    method: str
    label: str
    plans: Sequence[RunPlan]
    trials: int = 0
    """Trials that `snakemake tune` makes of its settings, each like the training of one seed; in no other number."""

    @property
    def tuning_share(self) -> float:
        """How many times the row's own work its trials are."""
        return self.trials / len({plan.run.seed for plan in self.plans})

    @property
    def forwards(self) -> int:
        """Forwards of all runs, as their records count them."""
        return sum(plan.work.forwards for plan in self.plans)

    @property
    def tokens(self) -> int | float:
        """Tokens that all runs' forwards and backwards read, as tokens of forwards."""
        return sum(plan.work.tokens for plan in self.plans)

    @property
    def trained(self) -> int:
        """Weights that one run trains."""
        return self.plans[0].trained

    @property
    def disk(self) -> int:
        """Bytes of all runs' files."""
        return sum(plan.disk for plan in self.plans)

    @property
    def drawing_hours(self) -> int | float:
        """Hours of all runs in which the processor draws directions."""
        return sum(plan.drawing_hours for plan in self.plans)

    def hours(self, card: str) -> int | float:
        """Hours of all runs on a card."""
        return sum(plan.hours[card] for plan in self.plans)

    def memory(self, stage: str) -> int | None:
        """Peak memory of a stage, in bytes; none where no run has it."""
        return max((plan.memory[stage] for plan in self.plans if stage in plan.memory), default=None)

    @property
    def peak(self) -> int:
        """Peak memory of any stage, in bytes."""
        return max(max(plan.memory.values()) for plan in self.plans)


def plan_suite(suite: Suite, *, cards: Mapping[str, Card], results: Path | None = None) -> list[RowPlan]:
    """Plan every row of a suite, in the order of its tables.

    :param results: The suite's folder; lengths of rows that ``mazo lengths`` measured there are used.

    Raises :class:`mazo.errors.ModelError` for a model whose shape cannot be read.
    """
    shapes = {name: model_shape(settings) for name, settings in suite.models.items()}
    grouped: dict[tuple[str, str, str], list[RunPlan]] = {}
    for run in runs(suite):
        measured = None if results is None else results / "data" / "lengths" / f"{run.model_name}.json"
        group = grouped.setdefault((run.model_name, run.mix, run.method_name.partition("@")[0]), [])
        # Nothing of a plan depends on the seed.
        alike = next((plan for plan in group if plan.run.method_name == run.method_name), None)
        group.append(
            replace(alike, run=run) if alike else plan_run(run, shapes[run.model_name], cards=cards, measured=measured)
        )
    trials = {method: len(suite.tune.trials(method)) for method in suite.tune.grids}
    return [
        RowPlan(*key, suite.methods[key[2]].label or key[2], plans, trials.get(key[2], 0))
        for key, plans in grouped.items()
    ]


def plan_run(run: Run, shape: Shape, *, cards: Mapping[str, Card], measured: Path | None = None) -> RunPlan:
    """Plan one run."""
    lengths = task_lengths(run, shape, measured=measured)
    sizes = trained_sizes(run, shape)
    trained = sum(sizes.values())
    work = run_work(run, shape, lengths, trained=trained)
    return RunPlan(
        run=run,
        work=work,
        trained=trained,
        memory=peak_memory(run, shape, lengths, trained=sizes),
        disk=disk_bytes(run, shape, trained=trained),
        hours={name: hours(work, run, shape, card) for name, card in cards.items()},
        drawing_hours=drawing_seconds(work, run) / 3600,
    )


def disk_bytes(run: Run, shape: Shape, *, trained: int) -> int:
    """Count a run's large files: scores, mask, step log, a first-order run's weights, samples."""
    total = 300 * run.data.test * len(run.tested)
    if is_scored(run):
        total += 4 * (shape.block_weights if _adapter(run) is None else trained)
    if isinstance(run.method, ZerothOrder):
        # A slope a task and direction, and each direction's coefficient.
        steps = num_steps(run.method, run.training)
        total += 4 * steps * run.method.num_directions * (len(run.tasks) + 1)
        # Column indices of 16 bits.
        total += 2 * trained if run.method.mask is not None else 0
    elif isinstance(run.method, FirstOrder):
        total += trained * (4 if run.method.adapter is not None else shape.bytes_each)
    return total


def _adapter(run: Run) -> object:
    return run.method.adapter if isinstance(run.method, ZerothOrder | FirstOrder) else None
