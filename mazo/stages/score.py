"""Stage: the importance of every weight a mask may cover, from each task's calibration examples."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from mazo.adapters import add_adapter_
from mazo.batches import Batch, calibration_indices, collate, encode_examples
from mazo.config import Run
from mazo.digests import code_digest, settings_digest
from mazo.examples import build_examples
from mazo.grid import mask_settings, stage_settings
from mazo.importance import score_tasks
from mazo.importance.look_ahead import step_off_zero_
from mazo.importance.parts import PartFiles
from mazo.importance.wanda import wanda_scores
from mazo.methods import ZerothOrder
from mazo.models import context_length, load_model
from mazo.records import measured
from mazo.scores import save_scores
from mazo.tasks import load_tasks
from mazo.zeroth_order.replay import weights_checksum

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def run(run: Run, *, data: Path, out: Path) -> None:
    """Write the summed scores, a matrix a weight, and what it took as ``score.json`` beside them.

    What is done lies in ``scores.parts`` meanwhile; a killed scoring goes on from there.
    """
    settings = mask_settings(run).scores
    assert isinstance(run.method, ZerothOrder)
    with measured(out.with_name("score.json")):
        model, tokenizer = load_model(run.model)
        base = weights_checksum(model.named_parameters())
        batches = calibration_batches(
            tokenizer,
            run.tasks,
            data=data,
            num_examples=settings.calibration_examples,
            max_length=context_length(model),
            micro_batch=run.scoring.micro_batch,
            seed=run.seed,
        )
        parts = PartFiles(out.with_name("scores.parts"), key=scoring_key(run, model, batches))
        if run.method.adapter is not None:
            add_adapter_(model, run.method.adapter, num_tasks=len(run.tasks), run_seed=run.seed)
            step_off_zero_(model, batches, settings=settings, seed=run.seed, parts=parts)
        scores = (
            wanda_scores(model, batches)
            if mask_settings(run).rule == "wanda"
            else score_tasks(
                model, batches, settings=settings, seed=run.seed, layers_at_once=run.scoring.layers_at_once, parts=parts
            )
        )
        save_scores(scores, out, model=base)
        parts.remove()


def scoring_key(run: Run, model: nn.Module, batches: Mapping[str, Sequence[Batch]]) -> str:
    """Return a digest of all that decides a run's scores: settings, weights, examples, code, torch itself."""
    examples = (
        (f"{task}/{index}/{field.name}", getattr(batch, field.name))
        for task, collated in batches.items()
        for index, batch in enumerate(collated)
        for field in fields(batch)
    )
    return settings_digest(
        [
            stage_settings(run, "score"),
            weights_checksum(model.named_parameters()),
            weights_checksum(examples),
            code_digest("mazo.stages.score"),
            torch.__version__,
        ]
    )


def calibration_batches(
    tokenizer: "PreTrainedTokenizerBase",
    tasks: Sequence[str],
    *,
    data: Path,
    num_examples: int,
    max_length: int,
    micro_batch: int,
    seed: int,
) -> dict[str, list[Batch]]:
    """Draw each task's calibration examples from its training rows and collate them, a task at a time.

    :param num_examples: Examples a task, or all its training rows where there are fewer.
    :param seed: The run's seed; decides which rows.
    """
    batches = {}
    for name, task in load_tasks(tasks, data).items():
        examples = build_examples(task, name, split="train")
        places = calibration_indices(len(examples), num_examples=num_examples, seed=seed, task=name)
        chosen = [examples[i] for i in places]
        encoded = encode_examples(tokenizer, chosen, task_index=0, max_length=max_length)
        batches[name] = collate(encoded, pad_id=tokenizer.pad_token_id, micro_batch=micro_batch)
    return batches
