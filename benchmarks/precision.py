"""What holding 16-bit weights in one way or another does to a zeroth-order run of the mini suite.

    python benchmarks/precision.py --out docs/benchmarks.md      # about 20 minutes on one CPU core

Step sizes, mask and tasks are those of ``config/mini.yaml``; all runs of a seed see the same examples and directions.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from mazo.batches import Batch
from mazo.config import Run, select_run
from mazo.configfile import load_suite, parse_suite
from mazo.data import prepare_task
from mazo.evaluate import standard_error
from mazo.files import write_text
from mazo.grid import is_masked
from mazo.ledger import final_dev_loss
from mazo.losses import measure_losses
from mazo.masks import load_mask, save_mask
from mazo.models import context_length, load_model
from mazo.pages import with_block
from mazo.stages import mask as mask_stage
from mazo.stages import score as score_stage
from mazo.step_batches import encode_rows, to_batches
from mazo.tables.layout import markdown_table
from mazo.tables.ledger import show
from mazo.tasks import load_tasks
from mazo.train import train, trained_model
from mazo.trainers import make_optimizer, read_mask
from mazo.zeroth_order import read_log, replay_
from mazo.zeroth_order.replay import weights_checksum

REPOSITORY = Path(__file__).resolve().parents[1]
BEGIN = "<!-- precision: begin -->"
END = "<!-- precision: end -->"
HEAD = ["trained", "weights", "held as", "dev loss", "difference to float32", "idle drift", "its dev loss", "cosine"]


@dataclass(frozen=True)
class Variant:
    """One way of holding the weights."""

    method: str
    dtype: str
    precision: str
    held: str
    lr_share: float = 1.0
    """Share of the mini suite's lr; fine-tuning of large models takes far smaller steps than the mini suite's."""
    eps: float = 1e-3

    @property
    def trained(self) -> str:
        """What is trained, as the table says it."""
        weights = {"mazo": "kept weights (mask)", "mtl_zo": "all weights"}[self.method]
        step = "" if self.lr_share == 1 else f", lr / {1 / self.lr_share:g}"
        return f"{weights}, eps {self.eps:g}{step}"

    @property
    def exact(self) -> "Variant":
        """The float32 run that this one would equal without rounding."""
        return replace(self, dtype="float32", precision="master", held="float32 copy")


VARIANTS = (
    Variant("mazo", "float32", "master", "float32 copy"),
    Variant("mazo", "bfloat16", "master", "float32 copy"),
    Variant("mazo", "float32", "master", "float32 copy", eps=3e-3),
    Variant("mazo", "bfloat16", "master", "float32 copy", eps=3e-3),
    Variant("mtl_zo", "float32", "master", "float32 copy"),
    Variant("mtl_zo", "bfloat16", "master", "float32 copy"),
    Variant("mtl_zo", "bfloat16", "in_place", "no copy"),
    Variant("mtl_zo", "float16", "in_place", "no copy"),
    Variant("mtl_zo", "float32", "master", "float32 copy", 0.1),
    Variant("mtl_zo", "bfloat16", "in_place", "no copy", 0.1),
)


@dataclass(frozen=True)
class Outcome:
    """What one run came to."""

    loss: float
    idle_drift: float
    """Length of the weights' change over the run's steps at lr 0, as a share of their own."""
    idle_loss: float
    """The dev loss's change over those steps."""
    cosine: float
    """Between the net move of the float32 run's logged steps, repeated here, and the float32 run's own."""


def make_run(variant: Variant, *, seed: int, num_steps: int) -> Run:
    """Build a variant's run from the mini suite's settings."""
    suite = load_suite(REPOSITORY / "config" / "mini.yaml").model_dump()
    [model] = suite["models"].values()
    model["dtype"] = variant.dtype
    method = suite["methods"][variant.method]
    method |= {"precision": variant.precision, "lr": method["lr"] * variant.lr_share, "eps": variant.eps}
    suite["data"] |= {"train": 400, "dev": 100, "test": 1}
    suite["training"] |= {"num_steps": num_steps, "batch_per_task": 4, "dev_every": num_steps, "dev_examples": 100}
    parsed = parse_suite(suite, where="config/mini.yaml")
    [name], [mix] = parsed.models, parsed.mixes
    return select_run(parsed, model=name, mix=mix, method=variant.method, seed=seed)


def measure(variant: Variant, *, seed: int, num_steps: int, folder: Path) -> Outcome:
    """Train one variant, drift it at lr 0, and repeat on it the steps of its float32 run, which must be there."""
    run = make_run(variant, seed=seed, num_steps=num_steps)
    mask = make_mask(run, folder) if is_masked(run) else None
    out, reference = run_folder(variant, folder), run_folder(variant.exact, folder)
    train(run, data=folder / "data", mask=mask, out=out)
    untrained, tokenizer = load_model(run.model)
    base, still = flat(untrained), idle(run, mask=mask)
    exact = make_run(variant.exact, seed=seed, num_steps=num_steps)
    intended = flat(trained_model(exact, mask=mask, out=reference)[0]) - flat(load_model(exact.model)[0])
    repeated = repeat(run, mask=mask, log=reference / "steps.log") - base
    batches = dev_batches(run, tokenizer, data=folder / "data")
    before, after = (measure_losses(model, batches, num_tasks=len(run.tasks)).mean() for model in (untrained, still))
    return Outcome(
        loss=final_dev_loss(out / "curve.csv"),
        idle_drift=((flat(still) - base).norm() / base.norm()).item(),
        idle_loss=(after - before).item(),
        cosine=torch.cosine_similarity(repeated, intended, dim=0).item(),
    )


def run_folder(variant: Variant, folder: Path) -> Path:
    """Return where a variant's run lies."""
    return folder / f"{variant.method}_{variant.dtype}_{variant.precision}_{variant.lr_share:g}_{variant.eps:g}"


def dev_batches(run: Run, tokenizer: PreTrainedTokenizerBase, *, data: Path) -> list[Batch]:
    """Collate the dev examples that training's last dev loss is measured on."""
    tasks, length = load_tasks(run.tasks, data), context_length(load_model(run.model)[0])
    rows = encode_rows(tokenizer, tasks, split="dev", max_length=length, count=run.training.dev_examples)
    examples = [example for task in rows.values() for example in task]
    return to_batches(examples, pad_id=tokenizer.pad_token_id, micro_batch=run.training.micro_batch, device="cpu")


def make_mask(run: Run, folder: Path) -> Path:
    """Score the float32 model once; every masked run of the seed has its mask, whatever its weights are rounded to."""
    path = folder / "mask"
    if not path.exists():
        score_stage.run(run, data=folder / "data", out=folder / "scores")
        mask_stage.run(run, scores=folder / "scores", out=path)
        mask = load_mask(path)
        any_model = {name: value for name, value in mask.settings.items() if name != "model"}
        save_mask(replace(mask, settings=any_model), path)
    return path


def repeat(run: Run, *, mask: Path | None, log: Path) -> Tensor:
    """Return the weights after another run's logged steps."""
    model, _ = load_model(run.model)
    replay_(make_optimizer(model, run, mask=read_mask(run, mask)), read_log(log))
    return flat(model)


def idle(run: Run, *, mask: Path | None) -> PreTrainedModel:
    """Return the model after the run's number of steps at lr 0: perturbed and put back, never updated."""
    model, _ = load_model(run.model)
    still = run.model_copy(update={"method": run.method.model_copy(update={"lr": 0.0})})
    optimizer = make_optimizer(model, still, mask=read_mask(run, mask))
    for _ in range(run.training.num_steps):
        optimizer.step(lambda: torch.zeros(len(run.tasks)))
    return model


def flat(model: torch.nn.Module) -> Tensor:
    """Return all weights as one float64 vector."""
    return torch.cat([weight.detach().flatten().double() for weight in model.parameters()])


def table(outcomes: dict[Variant, list[Outcome]], *, num_steps: int, model: str) -> str:
    """Write a line a variant, and below what was measured, with the checksum of the float32 model's weights."""
    lines = []
    for variant, found in outcomes.items():
        exact = outcomes[variant.exact]
        losses = [outcome.loss for outcome in found]
        differences = [outcome.loss - other.loss for outcome, other in zip(found, exact, strict=True)]
        change = "" if found is exact else show(statistics.fmean(differences), standard_error(differences), sign="+")
        drift = statistics.fmean(outcome.idle_drift for outcome in found)
        idle_loss = statistics.fmean(outcome.idle_loss for outcome in found)
        cosine = statistics.fmean(outcome.cosine for outcome in found)
        loss = show(statistics.fmean(losses), standard_error(losses))
        cells = [variant.trained, variant.dtype, variant.held, loss, change]
        lines.append([*cells, f"{drift:.2%}", f"{idle_loss:+.3f}", f"{cosine:.3f}"])
    seeds = len(next(iter(outcomes.values())))
    return "\n".join(
        [
            markdown_table(HEAD, lines),
            "",
            f"{num_steps} steps of 4 examples a task; mean and standard error over {seeds} seeds, differences paired",
            "by seed. Idle drift: length of the weights' change over as many steps at lr 0, as a share of their own;",
            "its dev loss: what that does to the dev loss. Cosine: of the float32 run's net move and that of its",
            f"logged steps repeated in the row's arithmetic. Untrained model: {model}.",
            "",
        ]
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure all variants and print the table, or write it into a page with the two markers."""
    options = argparse.ArgumentParser(description="precision of 16-bit zeroth-order training")
    options.add_argument("--num-steps", type=int, default=400)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
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
                outcomes[variant].append(measure(variant, seed=seed, num_steps=given.num_steps, folder=folder))
    checksum = weights_checksum(load_model(run.model)[0].named_parameters())
    text = table(outcomes, num_steps=given.num_steps, model=checksum[:12])
    if given.out:
        write_text(given.out, with_block(given.out.read_text(encoding="utf-8"), text, begin=BEGIN, end=END))
    else:
        print(text)


if __name__ == "__main__":
    main()
