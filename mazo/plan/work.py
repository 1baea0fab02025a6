"""What a run does: forwards as its record counts them, tokens read, weights moved, directions drawn."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import torch
import yaml

from mazo.config import Run, num_steps
from mazo.first_order import FirstOrderOptimizer
from mazo.grid import is_scored, is_trained, mask_settings
from mazo.importance.groups import layer_groups
from mazo.methods import FirstOrder, ZerothOrder
from mazo.plan.shape import Shape, scored_layers
from mazo.reading import read_json
from mazo.tasks.official import SOUND
from mazo.trainers import optimizer_settings, weighting_options
from mazo.zeroth_order import ZerothOrderOptimizer
from mazo.zeroth_order.direction import FACTORED


class Tokens(NamedTuple):
    """Tokens of one row of a task."""

    read: int | float
    """In a training forward, mean."""
    tested: int | float
    """In the evaluation's forward, mean."""
    most: int
    """Of the longest row."""


Lengths = Mapping[str, Tokens]


def task_lengths(run: Run, shape: Shape, *, measured: Path | None = None) -> dict[str, Tokens]:
    """Return the tokens of each task's rows, cut to the model's context: measured ones where there are, else typical.

    :param measured: What ``mazo lengths`` wrote for the model.
    """
    if measured is not None and measured.is_file():
        found = read_json(measured, "wanted the lengths of the rows; found none that can be read", shape=_measured)
    else:
        typical = yaml.safe_load(files("mazo.plan").joinpath("lengths.yaml").read_text())
        kinds = {task: "mini" if run.data.source_of(task) == "mini" else "text" for task in {*run.tasks, *run.tested}}
        found = {task: Tokens(**typical[kind][task]) for task, kind in kinds.items()}
    return {task: Tokens(t.read, t.tested, min(t.most, shape.context)) for task, t in found.items()}


def _measured(lengths: dict) -> dict[str, Tokens]:
    return {
        task: Tokens(
            own["train"]["mean_read"], own["test"]["mean_read"], max(part["most_tokens"] for part in own.values())
        )
        for task, own in lengths["tasks"].items()
    }


@dataclass(frozen=True)
class Work:
    """What a run does, by phase."""

    forwards: int
    """Of training batches, as its record counts them."""
    train_tokens: int | float
    """Read by training forwards, the backward passes apart."""
    backward_tokens: int | float
    """Read again by backward passes, twice the work each, or three times where activations are computed again."""
    dev_tokens: int | float
    score_tokens: int | float
    """Forward and backward passes of the calibration examples, as tokens of forwards."""
    test_tokens: int | float
    written: int
    """Tokens that the evaluation writes one after another."""
    drawn: int | float
    """Random numbers drawn."""
    moved: int | float
    """Bytes read and written in passes over the trained weights."""

    @property
    def tokens(self) -> int | float:
        """Forward-equivalent tokens of all phases."""
        return self.train_tokens + self.backward_tokens + self.dev_tokens + self.score_tokens + self.test_tokens


def run_work(run: Run, shape: Shape, lengths: Lengths, *, trained: int) -> Work:
    """Count what a run does.

    :param lengths: Tokens of each task's rows.
    :param trained: How many numbers it trains.
    """
    steps = num_steps(run.method, run.training) if is_trained(run) else 0
    per_step = forwards_per_step(run)
    batch = sum(run.training.batch_per_task * lengths[task].read for task in run.tasks)
    measurements = -(-steps // run.training.dev_every) + 1 if steps else 0
    is_first_order = isinstance(run.method, FirstOrder)
    again = 3 if isinstance(run.method, FirstOrder) and run.method.gradient_checkpointing else 2
    drawn, moved = _passes(run, shape, trained=trained)
    written = sum(run.data.test for task in run.tested if task == "squad") * run.evaluation.max_new_tokens
    return Work(
        forwards=steps * per_step,
        train_tokens=steps * per_step * batch,
        backward_tokens=again * steps * batch if is_first_order else 0,
        dev_tokens=measurements * run.training.dev_examples * sum(lengths[task].read for task in run.tasks),
        score_tokens=_score_tokens(run, shape, lengths),
        test_tokens=(1 + run.evaluation.num_fewshot)
        * sum(run.data.test * lengths[task].tested * _prompts(run, task) for task in run.tested),
        written=written,
        drawn=steps * drawn,
        moved=steps * moved,
    )


def forwards_per_step(run: Run) -> int:
    """Return how often a step measures the losses, as the optimiser itself says; 0 for a run that trains nothing."""
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    if isinstance(run.method, ZerothOrder):
        settings = optimizer_settings(run.method) | {"groups": {}}
        return ZerothOrderOptimizer([("weight", weight)], **settings, run_seed=0).forwards_per_step
    if isinstance(run.method, FirstOrder):
        return FirstOrderOptimizer(
            [weight],
            lr=0.0,
            schedule="constant",
            num_steps=1,
            weight_decay=0.0,
            weighting=run.method.weighting,
            weighting_options=weighting_options(run.method),
        ).forwards_per_step
    return 0


def _prompts(run: Run, task: str) -> int:
    """Return how many prompts of a row the evaluation scores: ours, and where asked for lm-eval's own."""
    return 1 + (run.evaluation.official and task in SOUND)


def _score_tokens(run: Run, shape: Shape, lengths: Lengths) -> int | float:
    """Count a forward of the calibration examples as 1 and a backward as 2, for each group of layers."""
    if not is_scored(run):
        return 0.0
    mask = mask_settings(run)
    examples = mask.scores.calibration_examples * sum(lengths[task].read for task in run.tasks)
    if mask.rule == "wanda":
        return examples
    groups = len(layer_groups(scored_layers(run, shape), at_once=run.scoring.layers_at_once))
    if mask.scores.gradient == "zo":
        return examples * (2 * mask.scores.gradient_directions + groups)
    return examples * 3 * groups


def _passes(run: Run, shape: Shape, *, trained: int) -> tuple[int | float, int | float]:
    """Return a step's random numbers and the bytes of its passes over the trained weights.

    Each point but theta takes a draw, and so does the update; a float32 copy is read, the sum written and copied.
    """
    if isinstance(run.method, FirstOrder):
        # Gradient, two moments and weight, each read and written.
        return 0.0, 8 * trained * shape.bytes_each
    if not isinstance(run.method, ZerothOrder):
        return 0.0, 0.0
    points = 2 if run.method.sides == "two" else 1
    has_copy = run.method.precision == "master"
    draws = run.method.num_directions * (points + 1 + (not has_copy))
    each = shape.bytes_each
    moved = run.method.num_directions * points * (16 + each) + 28 + each
    return _direction_numbers(run.method, shape, trained=trained) * draws, trained * moved


def _direction_numbers(method: ZerothOrder, shape: Shape, *, trained: int) -> int:
    """Return the random numbers that drawing a direction once takes: of a matrix of low rank, its factors'."""
    if method.direction in FACTORED:
        rank = method.direction_rank
        return sum(rank * sum(own) if len(own) == 2 else math.prod(own) for own in shape.shapes.values())
    return 2 * trained if method.direction == "sphere" else trained
