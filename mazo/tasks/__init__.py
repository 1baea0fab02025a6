"""Task names to lm-eval tasks: one YAML a task, whose prompts serve training and evaluation alike."""

import ast
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mazo.config import TASKS
from mazo.errors import DataError
from mazo.quiet import quiet
from mazo.seeding import numpy_generator

if TYPE_CHECKING:
    from jinja2 import Template
    from lm_eval.api.task import ConfigurableTask

FOLDER = Path(__file__).parent


def load_tasks(
    tasks: Sequence[str], data: Path, *, evaluated: str = "dev", num_fewshot: int = 0, seed: int = 0
) -> "dict[str, ConfigurableTask]":
    """Load lm-eval tasks over prepared rows, by our names; a split is read when it is first asked for.

    :param data: Folder of all tasks, as ``mazo prepare`` wrote it.
    :param evaluated: Split that lm-eval scores; training keeps the default and so never opens the test rows.
    :param num_fewshot: Solved training rows before each prompt, the same for every document.
    :param seed: Decides which ones.
    :raises DataError: an unknown task, or rows that are absent.
    """
    from lm_eval.tasks import TaskManager

    for task in tasks:
        if task not in TASKS:
            raise DataError(f"task: wanted one of {', '.join(TASKS)}; found {task!r}")
    metadata = {"data_dir": str(data), "evaluated": evaluated}
    with quiet():
        manager = TaskManager(include_path=str(FOLDER), include_defaults=False, metadata=metadata)
        _expect_all(manager.all_tasks)
        loaded = manager.load([f"mazo_{task}" for task in tasks])["tasks"]
    by_name = {task: loaded[f"mazo_{task}"] for task in tasks}
    return _ready(by_name, num_fewshot=num_fewshot, seed=seed)


def load_official_tasks(
    tasks: Sequence[str], data: Path, *, evaluated: str, num_fewshot: int = 0, seed: int = 0
) -> "dict[str, ConfigurableTask]":
    """Load lm-eval's own tasks as :func:`load_tasks` loads ours, of those that are sound.

    With demonstrations they have those of our own tasks, in their own words.
    """
    from mazo.tasks.official import load_official

    with quiet():
        loaded = load_official(tasks, data, evaluated=evaluated)
    return _ready(loaded, num_fewshot=num_fewshot, seed=seed)


def _ready(tasks: "dict[str, ConfigurableTask]", *, num_fewshot: int, seed: int) -> "dict[str, ConfigurableTask]":
    for name, task in tasks.items():
        _compile_templates(task)
        _fix_demonstrations(task, name, count=num_fewshot, seed=seed)
    return tasks


def demonstrations(task: "ConfigurableTask") -> list[str]:
    """Return the text of each demonstration that lm-eval puts before a task's prompts, in order."""
    config = task.config
    docs = task.sampler.sample(config.num_fewshot) if config.num_fewshot else []
    return [
        f"{task.doc_to_text(doc)}{config.target_delimiter}{_answer(task, doc)}{config.fewshot_delimiter}"
        for doc in docs
    ]


def _answer(task: "ConfigurableTask", doc: dict) -> str:
    target = task.doc_to_target(doc)
    return target if isinstance(target, str) else task.doc_to_choice(doc)[target]


def _expect_all(names: Sequence[str]) -> None:
    """Refuse to go on without some task: lm-eval passes over a YAML that it cannot parse."""
    missing = sorted({f"mazo_{task}" for task in TASKS} - set(names))
    if missing:
        raise DataError(f"{FOLDER}: wanted a YAML for every task; lm-eval found none for {', '.join(missing)}")


def _compile_templates(task: "ConfigurableTask") -> None:
    """Compile a task's templates once, in lm-eval's own Jinja environment, which compiles them for every document."""
    from lm_eval.utils import env

    for name in ("doc_to_text", "doc_to_target", "doc_to_choice"):
        template = getattr(task.config, name)
        if isinstance(template, str) and template not in task.features:
            compiled = _renderer(env.from_string(template), is_list=name == "doc_to_choice")
            setattr(task.config, name, compiled)
            setattr(task.fewshot_cfg, name, getattr(task.config, name))


def _renderer(template: "Template", *, is_list: bool) -> Callable[[dict], Any]:
    """Wrap a compiled template in a function, which lm-eval can copy where it cannot copy the template."""

    def render(doc: dict) -> Any:
        text = template.render(**doc)
        return ast.literal_eval(text) if is_list else text

    return render


def _fix_demonstrations(task: "ConfigurableTask", name: str, *, count: int, seed: int) -> None:
    """Draw the demonstrations once and for all documents; train rows share no content with those evaluated."""
    from lm_eval.api.samplers import FirstNSampler

    task.set_config("num_fewshot", count)
    if count == 0:
        return
    rows = task.dataset["train"]
    if len(rows) < count:
        raise DataError(f"{name}: wanted {count} training rows as demonstrations; found {len(rows)}")
    drawn = numpy_generator(seed, "demonstrations", name).choice(len(rows), size=count, replace=False)
    task.sampler = FirstNSampler([rows[int(i)] for i in drawn])
