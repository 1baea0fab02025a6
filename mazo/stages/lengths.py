"""Stage: how long the rows are for a model, and how many do not fit its context."""

from pathlib import Path

from mazo.config import Suite, check_name
from mazo.files import write_json
from mazo.lengths import measure_lengths
from mazo.models import context_length, load_config, load_tokenizer


def run(suite: Suite, *, model: str, data: Path, out: Path) -> None:
    """Write the lengths of every task's rows under the model's tokenizer, a split each, and print how many are cut."""
    check_name("models", model, suite.models)
    settings = suite.models[model]
    context, tokenizer = context_length(load_config(settings)), load_tokenizer(settings)
    tasks = {
        task: measure_lengths(
            tokenizer, task, data=data, max_length=context, max_new_tokens=suite.evaluation.max_new_tokens
        )
        for task in suite.tasks
    }
    write_json(out, {"model": model, "context": context, "tasks": tasks})
    for task, splits in tasks.items():
        counts = ", ".join(f"{split} {own['cut']} of {own['rows']}" for split, own in splits.items())
        print(f"{task}: rows cut to {context} tokens: {counts}")
