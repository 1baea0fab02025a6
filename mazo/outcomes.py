"""A suite's records as the tables take them: one for each row and seed, whatever number of runs it is made of."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from mazo.config import Suite
from mazo.grid import Row, rows, run_folder
from mazo.records import PromptScore, Record, StageCost, TaskScore, read_record


def read_outcomes(suite: Suite, results: Path) -> list[Record]:
    """Read the records of a suite's runs and merge those that one row is made of, in the order of the tables.

    :param results: The suite's folder.

    Raises :class:`mazo.errors.DataError` for a record that is absent or damaged.
    """
    return [
        merge_records(
            row, seed, {run.method_name: read_record(results / run_folder(run) / "record.json") for run in group}
        )
        for row in rows(suite)
        for seed, group in row.runs.items()
    ]


def merge_records(row: Row, seed: int, records: dict[str, Record]) -> Record:
    """Merge the records of a row's runs at one seed.

    A task's score is that of the run that trains on it, or for a row of shared models the mean over all runs. Forwards
    and seconds are summed, and of memory the most of any run is taken; trained weights are those of one run.

    :param records: By the name of the run.
    """
    all_records, first = list(records.values()), next(iter(records.values()))
    if first.run.method_name == row.name:
        return first
    method = first.run.method.model_copy(update={"label": row.label})
    run = first.run.model_copy(update={"method_name": row.name, "tasks": list(row.tasks), "method": method})
    metrics = {
        task: _merge_scores([records[run.method_name].metrics[task] for run in row.runs_for(seed, task)])
        for task in row.tasks
    }
    return first.model_copy(
        update={
            "run": run,
            "metrics": metrics,
            "task_weights": {task: own for record in all_records for task, own in record.task_weights.items()},
            "forwards": sum(record.forwards for record in all_records),
            "stages": {stage: _merge_costs([r.stages[stage] for r in all_records]) for stage in first.stages},
        }
    )


def _merge_scores(scores: Sequence[TaskScore]) -> TaskScore:
    first = scores[0]
    if len(scores) == 1:
        return first
    own = [score.official for score in scores if score.official is not None]
    official = own[0].model_copy(update=_mean(own)) if own else None
    return first.model_copy(update=_mean(scores) | {"official": official})


def _mean(scores: Sequence[PromptScore]) -> dict[str, float | None]:
    return {"score": fmean(score.score for score in scores), "stderr": None}


def _merge_costs(costs: Sequence[StageCost]) -> StageCost:
    return StageCost(
        seconds=round(sum(cost.seconds for cost in costs), 3), peak_memory=max(cost.peak_memory for cost in costs)
    )
