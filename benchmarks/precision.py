"""What holding 16-bit weights in one way or another does to a zeroth-order run of the mini suite.

    python benchmarks/precision.py --out docs/benchmarks.md      # 3 to 5 minutes on one CPU core

Step sizes, mask and tasks are those of ``config/mini.yaml``; all runs of a seed see the same examples and directions.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mazo.config import Run, select_run
from mazo.configfile import load_suite, parse_suite
from mazo.data import prepare_task
from mazo.evaluate import standard_error
from mazo.files import write_text
from mazo.ledger import final_dev_loss
from mazo.models import load_model
from mazo.pages import with_block
from mazo.stages import mask as mask_stage
from mazo.stages import score as score_stage
from mazo.tables.layout import markdown_table
from mazo.tables.ledger import show
from mazo.train import train, trained_model
from mazo.trainers import make_optimizer, read_mask
from mazo.zeroth_order import read_log, replay_

REPOSITORY = Path(__file__).resolve().parents[1]
BEGIN = "<!-- precision: begin -->"
END = "<!-- precision: end -->"
HEAD = ["trained", "weights", "held as", "dev loss", "difference to float32", "idle drift", "cosine of the net move"]


@dataclass(frozen=True)
class Variant:
    """One way of holding the weights."""

    method: str
    dtype: str
    precision: str
    held: str


VARIANTS = (
    Variant("mazo", "float32", "master", "float32 copy of the kept weights"),
    Variant("mazo", "bfloat16", "master", "float32 copy of the kept weights"),
    Variant("mtl_zo", "float32", "master", "float32 copy"),
    Variant("mtl_zo", "bfloat16", "master", "float32 copy"),
    Variant("mtl_zo", "bfloat16", "in_place", "no copy"),
    Variant("mtl_zo", "float16", "in_place", "no copy"),
)


@dataclass(frozen=True)
class Outcome:
    """What one run came to."""

    loss: float
    idle_drift: float
    """Length of the weights' change over the run's steps at lr 0, as a share of their own."""
    cosine: float
    """Between the net move of the float32 run's logged steps, repeated here, and the float32 run's own."""


def make_run(variant: Variant, *, seed: int, num_steps: int) -> Run:
    """Build a variant's run from the mini suite's settings."""
    suite = load_suite(REPOSITORY / "config" / "mini.yaml").model_dump()
    [model] = suite["models"].values()
    model["dtype"] = variant.dtype
    suite["methods"][variant.method]["precision"] = variant.precision
    suite["data"] |= {"train": 400, "dev": 100, "test": 1}
    suite["training"] |= {"num_steps": num_steps, "batch_per_task": 4, "dev_every": num_steps, "dev_examples": 100}
    parsed = parse_suite(suite, where="config/mini.yaml")
    [name], [mix] = parsed.models, parsed.mixes
    return select_run(parsed, model=name, mix=mix, method=variant.method, seed=seed)


def measure(variant: Variant, *, seed: int, num_steps: int, folder: Path, reference: Path) -> Outcome:
    """Train one variant, drift it at lr 0, and repeat on it the steps of the float32 run in ``reference``."""
    run = make_run(variant, seed=seed, num_steps=num_steps)
    mask = make_mask(run, folder) if run.method.mask else None
    out = folder / variant.method / f"{variant.dtype}_{variant.precision}"
    train(run, data=folder / "data", mask=mask, out=out)
    base = flat(load_model(run.model)[0])
    exact = make_run(VARIANTS[0 if mask else 2], seed=seed, num_steps=num_steps)
    intended = flat(trained_model(exact, mask=mask, out=reference)[0]) - flat(load_model(exact.model)[0])
    repeated = repeat(run, mask=mask, log=reference / "steps.log") - base
    return Outcome(
        loss=final_dev_loss(out / "curve.csv"),
        idle_drift=((idle(run, mask=mask) - base).norm() / base.norm()).item(),
        cosine=torch.cosine_similarity(repeated, intended, dim=0).item(),
    )


def make_mask(run: Run, folder: Path) -> Path:
    """Score the float32 model once; every masked run of the seed has its mask."""
    if not (folder / "mask").exists():
        score_stage.run(run, data=folder / "data", out=folder / "scores")
        mask_stage.run(run, scores=folder / "scores", out=folder / "mask")
    return folder / "mask"


def repeat(run: Run, *, mask: Path | None, log: Path) -> Tensor:
    """Return the weights after another run's logged steps."""
    model, _ = load_model(run.model)
    replay_(make_optimizer(model, run, mask=read_mask(run, mask)), read_log(log))
    return flat(model)


def idle(run: Run, *, mask: Path | None) -> Tensor:
    """Return the weights after the run's number of steps at lr 0: perturbed and put back, never updated."""
    model, _ = load_model(run.model)
    still = run.model_copy(update={"method": run.method.model_copy(update={"lr": 0.0})})
    optimizer = make_optimizer(model, still, mask=read_mask(run, mask))
    for _ in range(run.training.num_steps):
        optimizer.step(lambda: torch.zeros(len(run.tasks)))
    return flat(model)


def flat(model: torch.nn.Module) -> Tensor:
    """Return all weights as one float64 vector."""
    return torch.cat([weight.detach().flatten().double() for weight in model.parameters()])


def table(outcomes: dict[Variant, list[Outcome]], *, num_steps: int) -> str:
    """Write a line a variant, and below what was measured."""
    lines = []
    for variant, found in outcomes.items():
        exact = next(own for other, own in outcomes.items() if other.method == variant.method)
        losses = [outcome.loss for outcome in found]
        differences = [outcome.loss - other.loss for outcome, other in zip(found, exact, strict=True)]
        change = "" if found is exact else show(statistics.fmean(differences), standard_error(differences), sign="+")
        drift = statistics.fmean(outcome.idle_drift for outcome in found)
        cosine = statistics.fmean(outcome.cosine for outcome in found)
        trained = {"mazo": "kept weights (mask)", "mtl_zo": "all weights"}[variant.method]
        loss = show(statistics.fmean(losses), standard_error(losses))
        lines.append([trained, variant.dtype, variant.held, loss, change, f"{drift:.2%}", f"{cosine:.3f}"])
    seeds = len(next(iter(outcomes.values())))
    return "\n".join(
        [
            markdown_table(HEAD, lines),
            "",
            f"{num_steps} steps of 4 examples a task; mean and standard error over {seeds} seeds, differences paired",
            "by seed. Idle drift: length of the weights' change over as many steps at lr 0, as a share of their own.",
            "Cosine: of the float32 run's net move and that of its logged steps repeated in the row's arithmetic.",
            "",
        ]
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure all variants and print the table, or write it into a page with the two markers."""
    options = argparse.ArgumentParser(description="precision of 16-bit zeroth-order training")
    options.add_argument("--num-steps", type=int, default=200)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    options.add_argument("--out", type=Path, help="a page with the two markers")
    given = options.parse_args(argv)
    outcomes: dict[Variant, list[Outcome]] = {variant: [] for variant in VARIANTS}
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            run = make_run(VARIANTS[0], seed=seed, num_steps=given.num_steps)
            for task in run.tasks:
                prepare_task(task, run.data, out=folder / "data")
            for variant in VARIANTS:
                reference = folder / variant.method / "float32_master"
                outcomes[variant].append(
                    measure(variant, seed=seed, num_steps=given.num_steps, folder=folder, reference=reference)
                )
    text = table(outcomes, num_steps=given.num_steps)
    if given.out:
        write_text(given.out, with_block(given.out.read_text(encoding="utf-8"), text, begin=BEGIN, end=END))
    else:
        print(text)


if __name__ == "__main__":
    main()
