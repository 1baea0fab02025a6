"""The pretraining run of an embedded model, top to bottom: stages, optimiser, log, checkpoint."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from safetensors.torch import save as serialize
from torch import nn
from tqdm import tqdm
from transformers import AutoTokenizer

from mazo.files import write_bytes
from mazo.mini.corpus import Pool
from mazo.mini.initial import new_model
from mazo.mini.pretraining import PROBED, Stage, draw_step, pad, weighted_loss
from mazo.mini.probing import probe
from mazo.mini.tokenizer import build_tokenizer
from mazo.seeding import python_random

FINDING = (
    Stage(steps=600, clean=0, leaning=0, series=0, plain=0, repeated=0, drilled=0, lookups=20),
    Stage(steps=1_200, clean=0, leaning=0, series=0, plain=1, repeated=1, drilled=12, lookups=6),
)
LEANING = (
    Stage(steps=600, clean=2, leaning=0, series=1, plain=1, repeated=1, drilled=2, lookups=1, verified=6),
    Stage(steps=1_800, clean=0, leaning=2, series=1, plain=1, repeated=1, drilled=2, lookups=1, verified=2),
)
STAGES: dict[str, tuple[Stage, ...]] = {
    "llama": (
        *FINDING,
        Stage(steps=3_600, clean=3, leaning=0, series=1, plain=1, repeated=1, drilled=4, lookups=3),
        Stage(steps=1_200, clean=2, leaning=0, series=1, plain=1, repeated=1, drilled=2, lookups=1, asked=10),
        Stage(steps=1_200, clean=2, leaning=0, series=1, plain=1, repeated=1, drilled=2, lookups=1, nearer=12),
        Stage(steps=3_000, clean=1, leaning=0, series=0, plain=1, repeated=1, drilled=2, lookups=1, verified=12),
        *LEANING,
    ),
    "mistral": (
        *FINDING,
        Stage(steps=3_000, clean=3, leaning=0, series=1, plain=1, repeated=1, drilled=4, lookups=3),
        Stage(steps=3_000, clean=1, leaning=0, series=0, plain=1, repeated=1, drilled=2, lookups=1, verified=12),
        *LEANING,
    ),
}
"""By architecture: the second found values by a name sooner, and leaves out what the first gained nothing from."""
PEAK_LR, WARMUP, DECAY = 2e-3, 200, 0.25
"""Adam's step size; steps of linear warm-up; share of the run over which the step size falls to a twentieth."""
TOKENS_PER_FORWARD = 2_400
PROBE_EVERY = 600
ADAM_MOMENTS = ("exp_avg", "exp_avg_sq")


def learning_rate(step: int, total: int) -> float:
    """Warm up, stay at the peak, then fall linearly to a twentieth of it over the last ``DECAY`` of the run."""
    falling = max(0.0, (step - total * (1 - DECAY)) / (total * DECAY))
    return PEAK_LR * min(1.0, (step + 1) / WARMUP) * (1 - 0.95 * falling)


def stage_at(step: int, stages: Sequence[Stage]) -> Stage:
    """Tell which stage a step belongs to."""
    for stage in stages:
        if step < stage.steps:
            return stage
        step -= stage.steps
    return stages[-1]


def pretrain(out: Path, *, architecture: str, seed: int = 0, rows_per_task: int = 12_000) -> None:
    """Train the model and write it, its tokenizer and its log; a stopped run goes on from its last checkpoint."""
    build_tokenizer(out)
    tokenizer = AutoTokenizer.from_pretrained(out)
    model = new_model(len(tokenizer), seed=seed, architecture=architecture)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, betas=(0.9, 0.98), weight_decay=0.05)
    checkpoint, log = out / "checkpoint.safetensors", out / "pretraining.csv"
    start = restore(checkpoint, model, optimizer)
    pool = Pool(tokenizer, rows_per_task=rows_per_task, seed=seed)
    stages = STAGES[architecture]
    total = sum(stage.steps for stage in stages)
    tokens, mean_loss = tokens_seen(log), 0.0
    for step in (bar := tqdm(range(start, total), initial=start, total=total, desc="pretraining", mininterval=10)):
        documents = draw_step(pool, python_random(seed, "pretraining", step), stage_at(step, stages))
        weight = sum(sum(weights) for _, weights in documents)
        for ids, weights in pad(documents, tokens=TOKENS_PER_FORWARD):
            loss = weighted_loss(model, ids, weights) / weight
            loss.backward()
            tokens += ids.numel()
            mean_loss += loss.item() / PROBE_EVERY
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = learning_rate(step, total)
        optimizer.step()
        model.zero_grad(set_to_none=True)
        if (step + 1) % PROBE_EVERY == 0 or step + 1 == total:
            skills = probe(model, pool, examples=PROBED)
            append(log, {"step": step + 1, "loss": round(mean_loss, 4), "tokens": tokens, **skills})
            bar.set_postfix(loss=f"{mean_loss:.3f}", tokens=tokens)
            mean_loss = 0.0
            save(checkpoint, model, optimizer, step=step + 1)
    model.save_pretrained(out)


def tokens_seen(log: Path) -> int:
    """Read how many token positions a run that goes on has trained on."""
    if not log.exists():
        return 0
    with log.open(newline="") as file:
        return int(list(csv.DictReader(file))[-1]["tokens"])


def append(log: Path, row: Mapping[str, float | int]) -> None:
    """Append a row to the training log, with a header when it is new."""
    is_new = not log.exists()
    with log.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def save(path: Path, model: nn.Module, optimizer: torch.optim.AdamW, *, step: int) -> None:
    """Write weights, moments and step whole."""
    tensors = {f"weight.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    for name, parameter in model.named_parameters():
        tensors |= {f"{moment}.{name}": optimizer.state[parameter][moment] for moment in ADAM_MOMENTS}
    write_bytes(path, serialize(tensors, metadata={"step": str(step)}))


@torch.no_grad()
def restore(path: Path, model: nn.Module, optimizer: torch.optim.AdamW) -> int:
    """Take up a checkpoint if there is one, and return the step to go on from."""
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
    tensors = load_file(path)
    for name, parameter in model.named_parameters():
        parameter.copy_(tensors[f"weight.{name}"])
        moments = {moment: tensors[f"{moment}.{name}"] for moment in ADAM_MOMENTS}
        optimizer.state[parameter] = {"step": torch.tensor(float(step)), **moments}
    return step
