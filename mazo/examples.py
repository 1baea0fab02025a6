"""lm-eval documents to training examples: the prompts, answers and gold come from the task that evaluates them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask


@dataclass(frozen=True)
class Example:
    """A prompt, its possible answers, and which is right."""

    task: str
    loss: Literal["choices", "target"]
    """``choices``: cross-entropy over the candidates; ``target``: teacher forcing on the right answer."""
    context: str
    delimiter: str
    """What stands between prompt and answer."""
    choices: tuple[str, ...]
    gold: int


def build_examples(task: "ConfigurableTask", name: str, *, split: str) -> list[Example]:
    """Turn the rows of one split into examples, in the rows' order.

    :param task: The lm-eval task, as :func:`mazo.tasks.load_tasks` gives it.
    :param name: The name the examples carry.
    :param split: ``train`` or ``dev``; ``test`` belongs to the final evaluation.
    """
    return [_example(task, name, doc) for doc in task.dataset[split]]


def _example(task: "ConfigurableTask", name: str, doc: dict) -> Example:
    target = task.doc_to_target(doc)
    choices = task.doc_to_choice(doc) if task.config.doc_to_choice is not None else [target]
    return Example(
        task=name,
        loss=task.config.metadata["loss"],
        context=task.doc_to_text(doc),
        delimiter=task.config.target_delimiter,
        choices=tuple(choices),
        gold=target if isinstance(target, int) else 0,
    )
