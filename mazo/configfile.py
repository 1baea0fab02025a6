"""A suite's configuration file: reading it, and one line a fault that names key, wanted, found and accepted."""

import difflib
import json
from functools import cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from mazo.config import Suite
from mazo.errors import ConfigError


def load_suite(path: Path) -> Suite:
    """Read a suite from a YAML file, or from the JSON file of a suite as resolved.

    :raises ConfigError: one line a fault, naming file, key, what is wanted and what was found.
    """
    try:
        text = path.read_text(encoding="utf-8")
        # YAML 1.1 reads 1e-05 as text, and that is how JSON writes small numbers.
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is not valid YAML ({' '.join(str(error).split())})") from None
    return parse_suite(content, where=str(path))


def parse_suite(content: object, *, where: str) -> Suite:
    """Check the content of a configuration file.

    :raises ConfigError: one line a fault.
    """
    if not isinstance(content, dict):
        raise ConfigError(f"{where}: wanted a mapping of keys to values, found {type(content).__name__}")
    try:
        return Suite.model_validate(content)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(f"{where}: {_explain(dict(f), schema=_schema())}" for f in error.errors())
        ) from None


@cache
def _schema() -> dict:
    return Suite.model_json_schema()


def _explain(fault: dict, *, schema: dict) -> str:
    parents, accepted = _follow(fault["loc"][:-1], schema=schema)
    last = fault["loc"][-1:]
    key = ".".join(_shown(part) for part in (*parents, *last) if part != "[key]") or "(top level)"
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key; accepted: {', '.join(accepted)}{_closest(str(last[0]), accepted)}"
    if fault["type"].startswith("union_tag"):
        kinds = ", ".join(_follow(fault["loc"], schema=schema)[1])
        return f"{key}.kind: wanted one of {kinds}; found {fault['input'].get('kind')!r}"
    message = fault["msg"].removeprefix("Value error, ")
    found = "" if isinstance(fault["input"], dict) else f"; found {fault['input']!r}"
    return f"{key}: {message}{found}{_number_hint(fault)}"


def _follow(loc: tuple[str | int, ...], *, schema: dict) -> tuple[list[str | int], list[str]]:
    """Walk a fault's place down the schema: the keys as the user wrote them, and what is accepted there."""
    path: list[str | int] = []
    node = schema
    for part in loc:
        tags = node.get("discriminator", {}).get("mapping", {})
        if part in tags:
            node = {"$ref": tags[part]}
        else:
            path.append(part)
            node = node.get("properties", {}).get(part) or _entry(node)
        node = next((option for option in node.get("anyOf", []) if {"$ref", "discriminator"} & set(option)), node)
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return path, list(node.get("properties") or node.get("discriminator", {}).get("mapping", {}))


def _shown(part: str | int) -> str:
    """Return a key as it stands in a message: one with a line break or the like in quotes."""
    text = str(part)
    return text if text.isprintable() else repr(text)


def _entry(node: dict) -> dict:
    """Return the schema of a mapping's values or of a list's items."""
    return next(iter(node.get("patternProperties", {}).values()), None) or node.get("items") or {}


def _closest(word: str, accepted: list[str]) -> str:
    near = difflib.get_close_matches(word, accepted, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _number_hint(fault: dict) -> str:
    """Say why a number was read as text: YAML 1.1 wants a dot in the mantissa of 1.0e-3."""
    if not isinstance(fault["input"], str) or fault["type"] not in ("float_type", "int_type"):
        return ""
    return " (a number without quotes, and with a dot before an exponent: 3.0e-4, not 3e-4)"
