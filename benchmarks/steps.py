"""What a step of every method costs beside two bare forwards, timed in turns, and what surrounds the steps.

    python benchmarks/steps.py --out docs/performance.md --plot docs/performance.svg    # ten minutes on a free core

Random models of LLaMA's shape, 16 prompts of 64 tokens with two answers of one token, eight tasks, float32 on the CPU.
A bare forward is what a step itself calls: the losses of the batch, without a gradient.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import torch
from clock import Clock, Ratio, ratios, timed
from llama import SHAPES, random_examples, random_llama
from matplotlib.figure import Figure
from mezo_published import PublishedStep
from page import deliver, markdown_table, out_option
from scoring_memory import MIB, give_back_above, peak_above
from torch import Tensor, nn
from tqdm import tqdm

from mazo import ZerothOrderOptimizer, mask_from_scores, score_tasks
from mazo.adapter_settings import Lora
from mazo.adapters import add_adapter_
from mazo.batches import collate
from mazo.config import TASKS, DataSettings, EvaluationSettings, ModelSettings
from mazo.data import prepare_task
from mazo.evaluate import evaluate
from mazo.first_order import FirstOrderOptimizer
from mazo.losses import task_losses
from mazo.maskable import maskable_weights
from mazo.memory import keep_freed_memory
from mazo.models import load_model
from mazo.plots.style import COLOURS, write_picture
from mazo.quiet import quiet
from mazo.records import describe_hardware

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Work = Callable[[], object]

NUM_TASKS, PER_TASK, TOKENS, EVALUATED = len(TASKS), 2, 64, 4
LR = 1e-7
REPEATS = {"0.75M": 5, "7M": 5, "30M": 3, "7M-32k": 5, "30M-32k": 3}
TIMES = {"0.75M": 5, "7M-32k": 3}
PUBLISHED, TWO = "MeZO, published step", "two forwards again"
BOUNDED = (
    *("MaZO, density 10 %", "MaZO, density 1 %", "MaZO with FAMO, density 1 %", "MaZO with CoBa, density 1 %"),
    *("MTL-ZO, rademacher", "MTL-ZO, gaussian", PUBLISHED),
)
"""Steps whose cost has a bound that is wanted."""
CLOSE, CLOSER = (TWO, "MaZO, density 10 %", "MaZO, density 1 %"), 5
"""Works that a few hundredths decide on, and how many times as often they are repeated."""
PLOTTED = ("MaZO, density 1 %", "MaZO, density 10 %", "MTL-ZO, rademacher", "MTL-ZO, gaussian", "AdamW", PUBLISHED)


@dataclass(frozen=True)
class Outcome:
    """What a model's works cost: time beside two bare forwards, memory above what was there before."""

    weights: int
    unit_seconds: float
    ratios: dict[str, Ratio]
    peaks: dict[str, int]
    beside: dict[float, float]
    """What a masked step takes beside its own forwards, as a share of these, by density: median."""


class Bench:
    """A random model, a batch, and everything that can be timed on them; weights drift along, which costs nothing."""

    def __init__(self, size: str, *, folder: Path) -> None:
        self._folder = folder
        shape = SHAPES[size]
        self.model = random_llama(shape)
        self.examples = random_examples(tasks=NUM_TASKS, per_task=PER_TASK, tokens=TOKENS, vocabulary=shape.vocabulary)
        self.batches = collate(self.examples, pad_id=2, micro_batch=64)
        sizes = {name: weight.abs() for name, weight in maskable_weights(self.model).items()}
        self.scores: dict[str, Tensor] = sizes
        self.masks = {density: mask_from_scores(sizes, density=density) for density in (0.1, 0.01)}

    def forward(self, model: nn.Module | None = None) -> Tensor:
        """Measure the tasks' losses."""
        return task_losses(model or self.model, self.batches, num_tasks=NUM_TASKS)

    @torch.no_grad()
    def two_forwards(self) -> None:
        """Do what no step can do without."""
        self.forward()
        self.forward()

    def optimizer(self, **settings: object) -> ZerothOrderOptimizer:
        """Build an engine on the model, with a step size too small to matter."""
        settings = {"lr": LR, "run_seed": 0, "num_steps": 10**6} | settings
        return ZerothOrderOptimizer(self.model.named_parameters(), **settings)

    def beside(self, density: float, *, repeats: int) -> float:
        """Return what a masked step takes beside its forwards, timed in the same step."""
        engine, shares = self.optimizer(mask=self.masks[density]), []
        for _ in range(repeats):
            forwards: list[Clock] = []

            def losses(forwards: list[Clock] = forwards) -> Tensor:
                clock = Clock()
                found = self.forward()
                forwards.append(clock.stop())
                return found

            step = timed(partial(engine.step, losses, settle=False))
            within = sum(clock.processor for clock in forwards)
            shares.append((step.processor - within) / within)
        return median(shares)

    def steps(self) -> dict[str, Work]:
        """Return one step of every method."""
        engines = {f"MaZO, density {100 * d:g} %": self.optimizer(mask=mask) for d, mask in self.masks.items()}
        engines["MaZO with FAMO, density 1 %"] = self.optimizer(mask=self.masks[0.01], weighting="famo")
        engines["MaZO with CoBa, density 1 %"] = self.optimizer(mask=self.masks[0.01], weighting="coba")
        for direction in ("rademacher", "gaussian", "sphere", "low_rank", "subspace"):
            engines[f"MTL-ZO, {direction.replace('_', ' ')}"] = self.optimizer(direction=direction)
        engines["MTL-ZO, gaussian, in place"] = self.optimizer(precision="in_place")
        # As training takes them: the weights are settled before a dev loss, not after every step.
        works = {
            name: partial(engine.step, self.forward, self.forward, settle=False) for name, engine in engines.items()
        }
        return {**works, "LoRA": self._lora(), "AdamW": self._adamw(), PUBLISHED: self._published()}

    def surroundings(self) -> dict[str, Work]:
        """Return what happens once a run, or instead of a run."""
        by_task = {
            task: collate([e for e in self.examples if e.task == i], pad_id=2, micro_batch=64)
            for i, task in enumerate(TASKS)
        }
        works: dict[str, Work] = {
            f"scoring {NUM_TASKS} tasks, {PER_TASK} examples each": partial(score_tasks, self.model, by_task),
            "mask, density 10 %": partial(mask_from_scores, self.scores, density=0.1),
            f"evaluating {NUM_TASKS} tasks, {EVALUATED} rows each": self._evaluate,
        }
        for name, settings in {"1 %": {"mask": self.masks[0.01]}, "10 %": {"mask": self.masks[0.1]}, "all": {}}.items():
            engine = self.optimizer(**settings)
            works[f"replaying a step, {name} of the weights"] = partial(
                engine.repeat_, torch.tensor([1e-6]), settle=False
            )
        return works

    def _lora(self) -> Work:
        model = deepcopy(self.model)
        factors = add_adapter_(model, Lora(kind="lora"), num_tasks=NUM_TASKS, run_seed=0)
        engine = ZerothOrderOptimizer(factors.items(), lr=LR, run_seed=0)
        return lambda: engine.step(partial(self.forward, model), settle=False)

    def _adamw(self) -> Work:
        model = deepcopy(self.model)
        engine = FirstOrderOptimizer(
            list(model.parameters()), lr=LR, schedule="constant", num_steps=10**6, weight_decay=0.0
        )
        return lambda: engine.step(model, self.batches, num_tasks=NUM_TASKS)

    def _published(self) -> Work:
        return PublishedStep(deepcopy(self.model), self.examples, lr=LR).step

    def _evaluate(self) -> None:
        tokenizer, rows = _tokenizer(), self._rows
        settings = EvaluationSettings()
        out = rows / "out"
        evaluate(self.model, tokenizer, tasks=TASKS, data=rows, settings=settings, seed=0, out=out)

    @cached_property
    def _rows(self) -> Path:
        for task in TASKS:
            prepare_task(task, DataSettings(train=4, dev=1, test=EVALUATED), out=self._folder)
        return self._folder


@cache
def _tokenizer() -> "PreTrainedTokenizerBase":
    with quiet():
        return load_model(ModelSettings(path="embedded:llama"))[1]


def measure(size: str, *, repeats: int, quick: bool, folder: Path) -> Outcome:
    """Time one model's works in turns; each is done once before, for its peak of memory.

    :param quick: Whether to time the works of :data:`BOUNDED` alone.
    """
    bench, times = Bench(size, folder=folder), TIMES.get(size, 1)
    bench.two_forwards()
    works = {TWO: bench.two_forwards, **bench.steps()}
    if quick:
        works = {name: works[name] for name in (TWO, *BOUNDED)}
    surroundings = {} if quick else bench.surroundings()
    give_back_above(2**16)
    peaks = {name: peak_above(work) for name, work in {**works, **surroundings}.items()}
    keep_freed_memory() or give_back_above(2**25)  # whatever a user has set
    beside = {density: bench.beside(density, repeats=CLOSER * repeats) for density in bench.masks}
    close, others = {name: works[name] for name in CLOSE}, {n: work for n, work in works.items() if n not in CLOSE}
    found = ratios(close, bench.two_forwards, repeats=CLOSER * repeats, times=times)
    found |= ratios(others, bench.two_forwards, repeats=repeats, times=times)
    if surroundings:
        found |= ratios(surroundings, bench.two_forwards, repeats=max(2, repeats // 2))
    weights = sum(weight.numel() for weight in bench.model.parameters())
    return Outcome(weights, found[TWO].seconds, found, peaks, beside)


def table(outcomes: dict[str, Outcome]) -> str:
    """Lay out the ratios of all sizes, and the largest size's memory."""
    last = list(outcomes)[-1]
    head = ["what", *(f"{size}: times two forwards" for size in outcomes), f"{last}: wall time", f"{last}: MiB above"]
    rows = []
    for name in outcomes[last].ratios:
        each = [str(outcome.ratios[name]) for outcome in outcomes.values()]
        seconds, peak = outcomes[last].ratios[name].seconds, outcomes[last].peaks[name]
        rows.append([name, *each, f"{seconds:.2f} s", f"{peak / MIB:.0f}"])
    return markdown_table(head, rows, words=1)


def findings(outcomes: dict[str, Outcome]) -> str:
    """Say what the medians come to where a bound is wanted."""
    lines = []
    for size, outcome in outcomes.items():
        of = {name: ratio.processor for name, ratio in outcome.ratios.items()}
        famo, coba, masked = (
            of["MaZO with FAMO, density 1 %"],
            of["MaZO with CoBa, density 1 %"],
            of["MaZO, density 1 %"],
        )
        lines.append(
            f"- {size} ({outcome.weights:,} weights; two forwards {1000 * outcome.unit_seconds:.0f} ms of wall time): "
            f"MaZO {of['MaZO, density 10 %']:.3f} at 10 % and {masked:.3f} at 1 %, "
            f"{100 * outcome.beside[0.1]:.1f} and {100 * outcome.beside[0.01]:.1f} % of "
            "its own forwards' time beside them; dense with random signs "
            f"{of['MTL-ZO, rademacher']:.3f}, with normal numbers {of['MTL-ZO, gaussian']:.3f}; MeZO's published step "
            f"{of[PUBLISHED] / of['MaZO, density 10 %']:.2f} times MaZO's at 10 %; FAMO adds {2 * (famo - masked):.2f} "
            f"and CoBa {2 * (coba - masked):.2f} forwards, of the one each that they measure."
        )
    return "\n".join(lines)


def picture(outcomes: dict[str, Outcome], path: Path) -> None:
    """Draw the ratios of some steps as bars, a colour a size."""
    figure = Figure(figsize=(8, 3.6))
    axes = figure.subplots()
    height = 0.8 / len(outcomes)
    plotted = [name for name in PLOTTED if all(name in outcome.ratios for outcome in outcomes.values())]
    for number, (size, outcome) in enumerate(outcomes.items()):
        values = [outcome.ratios[name].processor for name in plotted]
        places = [place + number * height for place in range(len(plotted))]
        bars = axes.barh(places, values, height=height, color=COLOURS[number], label=f"{size} weights")
        axes.bar_label(bars, fmt="%.2f", padding=2, fontsize=7)
    axes.axvline(1, color="black", linewidth=1, linestyle="--")
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(plotted))], plotted)
    axes.invert_yaxis()
    axes.set_xlabel("a step's processor time / two bare forwards'")
    axes.legend(frameon=False)
    write_picture(figure, path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all sizes; print the table or write it into a page, and draw the picture."""
    parser = argparse.ArgumentParser(description="steps beside two bare forwards")
    parser.add_argument("--sizes", nargs="+", choices=list(SHAPES), default=list(REPEATS))
    parser.add_argument("--repeats", type=int, help="timings of each work; by default fewer for larger models")
    parser.add_argument("--quick", action="store_true", help="time the steps alone whose cost has a wanted bound")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--plot", type=Path, help="where the picture goes, .svg or .png")
    out_option(parser)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    repeats = {size: options.repeats or REPEATS.get(size, 3) for size in options.sizes}
    with tempfile.TemporaryDirectory() as folder:
        outcomes = {
            size: measure(size, repeats=repeats[size], quick=options.quick, folder=Path(folder))
            for size in tqdm(options.sizes)
        }
    machine = describe_hardware("cpu")["processor"]
    note = f"{machine}, {options.threads} thread, torch {torch.__version__}, float32. Ratios of processor time, each to"
    note += " two forwards timed just before and after: median (quartiles) of "
    note += ", ".join(f"{count} ({size})" for size, count in repeats.items()) + f" repeats in turns, {CLOSER} times as"
    note += f" many of the first {len(CLOSE)} rows; a repeat is up to {max(TIMES.values())} steps at the smaller sizes."
    note += " MiB: the process's peak above what it held before."
    deliver("steps", "\n\n".join([table(outcomes), note, findings(outcomes)]), page=options.out)
    if options.plot:
        picture(outcomes, options.plot)


if __name__ == "__main__":
    main()
