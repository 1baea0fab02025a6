"""How a step's time and memory grow with the model, the batch, the tasks and the density: measured exponents.

    python benchmarks/scaling.py --out docs/performance.md      # a few minutes on one core

One thing is varied at a time; the exponent is the slope of a straight line through the points' logarithms. Processor
time; memory is the peak above the model's own, of building the engine and doing a step.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import linear_regression, median

import torch
from clock import timed
from llama import SHAPES, Shape, random_examples, random_llama
from page import deliver, markdown_table, out_option
from scoring_memory import give_back_above, peak_above
from torch import Tensor, nn
from tqdm import tqdm

from mazo import Mask, ZerothOrderOptimizer, mask_from_scores
from mazo.batches import collate
from mazo.losses import task_losses
from mazo.maskable import maskable_weights
from mazo.memory import keep_freed_memory


@dataclass(frozen=True)
class Case:
    """A step to measure."""

    shape: Shape
    prompts: int = 16
    tasks: int = 2
    density: float | None = 0.1

    def build(self) -> tuple[nn.Module, Callable[[], Tensor], Mask | None]:
        """Return a model, the losses of a batch, and a mask of the largest weights."""
        model = random_llama(self.shape)
        examples = random_examples(
            tasks=self.tasks, per_task=self.prompts // self.tasks, tokens=64, vocabulary=self.shape.vocabulary
        )
        batches = collate(examples, pad_id=2, micro_batch=64)
        forward = partial(task_losses, model, batches, num_tasks=self.tasks)
        if self.density is None:
            return model, forward, None
        sizes = {name: weight.abs() for name, weight in maskable_weights(model).items()}
        return model, forward, mask_from_scores(sizes, density=self.density)

    def peak(self) -> int:
        """Return the peak above the model's own memory, in bytes, of building the engine and doing a step."""
        model, forward, mask = self.build()
        return peak_above(lambda: engine(model, mask).step(forward))

    def times(self, repeats: int) -> tuple[int, float, float]:
        """Return the model's weights, and the seconds of a step and of what it does beside its forwards."""
        model, forward, mask = self.build()
        trained = engine(model, mask)
        losses = trained.step(forward).losses
        step = [timed(partial(trained.step, forward, settle=False)).processor for _ in range(repeats)]
        rest = [timed(partial(trained.step, lambda: losses, settle=False)).processor for _ in range(3 * repeats)]
        return sum(weight.numel() for weight in model.parameters()), median(step), median(rest)


def engine(model: nn.Module, mask: Mask | None) -> ZerothOrderOptimizer:
    """Build the engine, with a step size too small to matter."""
    return ZerothOrderOptimizer(model.named_parameters(), lr=1e-7, run_seed=0, mask=mask)


SERIES: dict[str, tuple[list[Case], Callable[[Case, int], float]]] = {
    "weights of the model, density 10 %": (
        [Case(SHAPES[size]) for size in ("0.75M", "7M", "30M")],
        lambda case, weights: weights,
    ),
    "weights of the model, all trained": (
        [Case(SHAPES[size], density=None) for size in ("0.75M", "7M", "30M")],
        lambda case, weights: weights,
    ),
    "prompts in the batch": (
        [Case(SHAPES["7M"], prompts=prompts) for prompts in (4, 8, 16, 32)],
        lambda case, weights: case.prompts,
    ),
    "tasks, the batch as large": (
        [Case(SHAPES["7M"], tasks=tasks) for tasks in (1, 2, 4, 8)],
        lambda case, weights: case.tasks,
    ),
    "density": (
        [Case(SHAPES["7M"], density=density) for density in (0.01, 0.03, 0.1, 0.3)],
        lambda case, weights: case.density,
    ),
}


def exponent(places: Sequence[float], values: Sequence[float]) -> str:
    """Return the slope of the values' logarithms over the places'."""
    if min(values) <= 0:
        return "none"
    return f"{linear_regression(list(map(math.log, places)), list(map(math.log, values))).slope:.2f}"


def _small(cases: Sequence[Case]) -> list[Case]:
    return [replace(case, shape=replace(case.shape, width=64, depth=2, mlp=128, heads=2)) for case in cases]


def _short(number: float) -> str:
    return f"{number / 1e6:.2g} M" if number > 1e5 else f"{number:g}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all series; print the table or write it into a page."""
    parser = argparse.ArgumentParser(description="exponents of a step's cost")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="a trial of the script, on the smallest model alone")
    out_option(parser)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    series = {name: (_small(cases) if options.small else cases, place) for name, (cases, place) in SERIES.items()}
    give_back_above(2**16)
    replace(SERIES["density"][0][0], shape=SHAPES["0.75M"]).peak()  # libraries take memory of their own at first
    peaks = {name: [case.peak() for case in cases] for name, (cases, _) in tqdm(series.items(), desc="memory")}
    keep_freed_memory() or give_back_above(2**25)  # whatever a user has set
    rows = []
    for name, (cases, place) in tqdm(series.items(), desc="time"):
        weights, seconds, rest = zip(*(case.times(options.repeats) for case in cases), strict=True)
        places = [place(case, own) for case, own in zip(cases, weights, strict=True)]
        of_step, of_rest, of_peak = (exponent(places, values) for values in (seconds, rest, peaks[name]))
        last = f"{1000 * rest[-1]:.1f} ms of {1000 * seconds[-1]:.0f}"
        rows.append([name, f"{_short(places[0])} to {_short(places[-1])}", of_step, of_rest, last, of_peak])
    head = [
        "what grows",
        "from, to",
        "time of a step",
        "time beside forwards",
        "that at the last point",
        "peak above the model",
    ]
    note = "Exponents. What is not varied: 7M weights, 16 prompts of 64 tokens, 2 tasks, density 10 %; medians of "
    note += f"{options.repeats} steps on one thread."
    deliver("scaling", f"{markdown_table(head, rows, words=2)}\n\n{note}", page=options.out)


if __name__ == "__main__":
    main()
