"""The task prompts as the corpus writer needs them: the same YAML templates as training and evaluation, compiled once.

lm-eval compiles a template for every document, which is too slow for a million rows; a test holds both equal.
"""

import ast
from functools import cache
from pathlib import Path

import yaml
from jinja2 import Environment, StrictUndefined, Template

FOLDER = Path(__file__).parents[1] / "tasks"


class _Loader(yaml.SafeLoader):
    """Reads lm-eval's YAML and passes over its ``!function`` tags."""


_Loader.add_constructor("!function", lambda loader, node: None)


@cache
def read_task(name: str) -> dict:
    """Read a task's YAML with what it includes."""
    content = yaml.load((FOLDER / name).read_text(), _Loader)  # noqa: S506 (a SafeLoader)
    base = read_task(content["include"]) if "include" in content else {}
    return {**base, **content}


@cache
def _template(text: str) -> Template:
    return Environment(undefined=StrictUndefined, keep_trailing_newline=True).from_string(text)  # noqa: S701 (not HTML)


def render(task: str, row: dict) -> tuple[str, str, list[str], int]:
    """Render a row: context, delimiter, choices, index of the right one (SQuAD: the first gold answer alone)."""
    spec = read_task(f"{task}.yaml")
    context = _template(spec["doc_to_text"]).render(**row)
    if "doc_to_choice" not in spec:
        return context, spec["target_delimiter"], [_template(spec["doc_to_target"]).render(**row)], 0
    choices = spec["doc_to_choice"]
    if isinstance(choices, str):
        choices = ast.literal_eval(_template(choices).render(**row))
    return context, spec["target_delimiter"], choices, row[spec["doc_to_target"]]
