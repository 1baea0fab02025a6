"""(model, tokenizer, tasks) through lm-eval to metrics and to every single decision."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mazo.config import EvaluationSettings
from mazo.errors import DataError
from mazo.files import write_json, write_text
from mazo.quiet import quiet
from mazo.tasks import demonstrations, load_official_tasks, load_tasks

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def evaluate(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    *,
    tasks: Sequence[str],
    data: Path,
    settings: EvaluationSettings,
    seed: int,
    split: str = "test",
    out: Path,
) -> dict[str, dict]:
    """Score a model on one split and write ``results.json`` and ``samples.jsonl``, equal bytes for equal runs.

    No random generator is read or moved but the one of (seed, demonstrations).

    :param tasks: The tasks, in the order in which a model with factors for each task was trained on them.
    :param data: Folder of all tasks, as ``mazo prepare`` wrote it.
    :param seed: The run's seed; decides the demonstrations.
    :param out: Folder of the two files.
    :return: For each task ``score`` in [0, 1] (accuracy by mean log-probability per token; SQuAD: F1), its standard
        error ``stderr``, the rows scored ``n``, and the rows cut to the model's context ``num_cut``; the same again
        under ``official`` for lm-eval's own prompt and rule, where the settings ask for them and they are sound.
    :raises DataError: rows that are absent, or demonstrations from the very rows that are scored.
    """
    from lm_eval.evaluator import evaluate as lm_evaluate

    from mazo.lm import CausalLM

    if split == "train" and settings.num_fewshot > 0:
        raise DataError("split: wanted dev or test, since demonstrations are train rows; found 'train'")
    how: dict = {"evaluated": split, "num_fewshot": settings.num_fewshot, "seed": seed}
    loaded = load_tasks(tasks, data, **how)
    official = load_official_tasks(tasks, data, **how) if settings.official else {}
    by_lm_eval_name = {task.config.task: task for task in (*loaded.values(), *official.values())}
    numbers = {name: number for number, name in enumerate(loaded)}
    lm = CausalLM(
        model,
        tokenizer,
        batch_size=settings.batch_size,
        max_new_tokens=settings.max_new_tokens,
        demonstrations={name: demonstrations(task) for name, task in by_lm_eval_name.items()},
        task_numbers={task.config.task: numbers[name] for own in (loaded, official) for name, task in own.items()},
    )
    with quiet():
        found = lm_evaluate(lm=lm, task_dict={"tasks": by_lm_eval_name}, bootstrap_iters=0, log_samples=True)
    samples = {name: found["samples"][task.config.task] for name, task in loaded.items()}
    scores = {
        name: _summary(samples[name]) | {"num_cut": lm.num_cut[task.config.task]} for name, task in loaded.items()
    }
    for name, task in official.items():
        own = _summary(found["samples"][task.config.task])
        scores[name]["official"] = own | {"num_cut": lm.num_cut[task.config.task]}
    metrics = {name: _means(found["results"][task.config.task]) for name, task in loaded.items()}
    _write(out, scores=scores, metrics=metrics, samples=samples, split=split, num_fewshot=settings.num_fewshot)
    return scores


def _summary(samples: list[dict]) -> dict:
    values = [sample["score"] for sample in samples]
    return {"score": sum(values) / len(values), "stderr": standard_error(values), "n": len(values)}


def standard_error(values: Sequence[float]) -> float | None:
    """Return the standard error of a mean, or None for a single value."""
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))


def _means(results: dict) -> dict[str, float]:
    """Keep lm-eval's own means, whose keys are ``<metric>,<filter>``."""
    pairs = [(key.partition(",")[0], value) for key, value in results.items() if "," in key]
    return {name: value for name, value in pairs if not name.endswith("_stderr")}


def _write(out: Path, *, scores: dict, metrics: dict, samples: dict, split: str, num_fewshot: int) -> None:
    write_text(out / "samples.jsonl", "".join(_lines(samples)))
    results = {
        "split": split,
        "num_fewshot": num_fewshot,
        "mean_score": sum(task["score"] for task in scores.values()) / len(scores),
        "tasks": {name: metrics[name] | scores[name] for name in scores},
    }
    write_json(out / "results.json", results)


def _lines(samples: dict[str, list[dict]]) -> list[str]:
    return [
        json.dumps(_record(task, sample), sort_keys=True) + "\n"
        for task in sorted(samples)
        for sample in sorted(samples[task], key=lambda sample: sample["doc_id"])
    ]


def _record(task: str, sample: dict) -> dict:
    """Keep what a paired test joins on, the target, the answer and the score."""
    answers = sample["filtered_resps"]
    is_written = isinstance(answers[0], str)
    return {
        "task": task,
        **{key: sample[key] for key in ("doc_id", "doc_hash", "prompt_hash", "target", "score")},
        "response": answers[0] if is_written else [round(answer[0] / answer[1], 6) for answer in answers],
    }
