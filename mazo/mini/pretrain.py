"""The pretraining run of an embedded model, top to bottom: stages, optimiser, log, checkpoint."""

import csv
import time
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from safetensors.torch import save as serialize
from tqdm import tqdm
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from mazo.files import write_bytes
from mazo.mini.corpus import Pool
from mazo.mini.muon import Muon
from mazo.mini.pretraining import PROBED, Stage, draw_step, pad, weighted_loss
from mazo.mini.probing import probe
from mazo.mini.tokenizer import build_tokenizer
from mazo.seeding import python_random, torch_generator

STAGES = (
    Stage(steps=2_500, clean=6, leaning=0, series=0, plain=12, repeated=12),
    Stage(steps=6_000, clean=10, leaning=0, series=0, plain=6, repeated=3),
    Stage(steps=7_500, clean=0, leaning=4, series=2, plain=6, repeated=3),
)
MUON_LR, ADAM_LR = 5e-3, 2e-3
"""Step sizes of the layers' matrices and of the embedding and norms, after :func:`pace`."""
WARMUP, DECAY = 200, 0.25
"""Steps of linear warm-up; share of the run over which the pace falls."""
TOKENS_PER_FORWARD = 2_400
PROBE_EVERY = 500
ADAM_MOMENTS = ("exp_avg", "exp_avg_sq")


def pace(step: int, total: int) -> float:
    """Warm up, stay at 1, then fall linearly to a twentieth over the last ``DECAY`` of the run."""
    falling = max(0.0, (step - total * (1 - DECAY)) / (total * DECAY))
    return min(1.0, (step + 1) / WARMUP) * (1 - 0.95 * falling)


def stage_at(step: int) -> Stage:
    """Tell which stage a step belongs to."""
    for stage in STAGES:
        if step < stage.steps:
            return stage
        step -= stage.steps
    return STAGES[-1]


def new_model(vocabulary: int, *, seed: int) -> LlamaForCausalLM:
    """Make the untrained model: normal weights of standard deviation 1/sqrt(d), norms one."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        dtype="float32",
    )
    with torch.random.fork_rng():
        model = LlamaForCausalLM(config)
    generator = torch_generator(seed, "embedded model")
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0.0, config.hidden_size**-0.5, generator=generator)
    return model


def pretrain(out: Path, *, seed: int = 0, rows_per_task: int = 24_000) -> None:
    """Train the model and write it, its tokenizer and its log; a stopped run goes on from its last checkpoint."""
    build_tokenizer(out)
    tokenizer = AutoTokenizer.from_pretrained(out)
    model = new_model(len(tokenizer), seed=seed)
    matrices = [parameter for name, parameter in model.named_parameters() if name.endswith("proj.weight")]
    others = [parameter for name, parameter in model.named_parameters() if not name.endswith("proj.weight")]
    muon, adam = Muon(matrices), torch.optim.Adam(others, lr=0.0, betas=(0.9, 0.98))
    checkpoint, log = out / "checkpoint.safetensors", out / "pretraining.csv"
    start = restore(checkpoint, model, muon, adam)
    pool = Pool(tokenizer, rows_per_task=rows_per_task, seed=seed)
    total = sum(stage.steps for stage in STAGES)
    began, tokens, mean_loss = time.monotonic(), 0, 0.0
    for step in (bar := tqdm(range(start, total), initial=start, total=total, desc="pretraining", mininterval=10)):
        documents = draw_step(pool, python_random(seed, "pretraining", step), stage_at(step))
        weight = sum(sum(weights) for _, weights in documents)
        for ids, weights in pad(documents, tokens=TOKENS_PER_FORWARD):
            loss = weighted_loss(model, ids, weights) / weight
            loss.backward()
            tokens += ids.numel()
            mean_loss += loss.item() / PROBE_EVERY
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.param_groups[0]["lr"] = ADAM_LR * pace(step, total)
        adam.step()
        muon.step_(MUON_LR * pace(step, total))
        model.zero_grad(set_to_none=True)
        if (step + 1) % PROBE_EVERY == 0 or step + 1 == total:
            skills = probe(model, pool, examples=PROBED)
            append(log, {"step": step + 1, "loss": round(mean_loss, 4), "tokens": tokens, **skills})
            bar.set_postfix(loss=f"{mean_loss:.3f}", tok_s=f"{tokens / (time.monotonic() - began):.0f}")
            mean_loss = 0.0
            save(checkpoint, model, muon, adam, step=step + 1)
    model.save_pretrained(out)


def append(log: Path, row: dict[str, float]) -> None:
    """Append a row to the training log, with a header when it is new."""
    is_new = not log.exists()
    with log.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def save(path: Path, model: torch.nn.Module, muon: Muon, adam: torch.optim.Adam, *, step: int) -> None:
    """Write weights, moments and step whole."""
    tensors = {f"weight.{name}": tensor.detach() for name, tensor in model.named_parameters()} | muon.state()
    for i, parameter in enumerate(adam.param_groups[0]["params"]):
        tensors |= {f"{moment}.{i}": adam.state[parameter][moment] for moment in ADAM_MOMENTS}
    write_bytes(path, serialize(tensors, metadata={"step": str(step)}))


@torch.no_grad()
def restore(path: Path, model: torch.nn.Module, muon: Muon, adam: torch.optim.Adam) -> int:
    """Take up a checkpoint if there is one, and return the step to go on from."""
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
    tensors = load_file(path)
    for name, parameter in model.named_parameters():
        parameter.copy_(tensors[f"weight.{name}"])
    muon.load_(tensors)
    for i, parameter in enumerate(adam.param_groups[0]["params"]):
        moments = {moment: tensors[f"{moment}.{i}"] for moment in ADAM_MOMENTS}
        adam.state[parameter] = {"step": torch.tensor(float(step)), **moments}
    return step
