"""A suite's configuration file: reading it, and one line a fault that names key, wanted, found and accepted."""

import difflib
import json
from functools import cache
from pathlib import Path
from reprlib import Repr

import yaml
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from mazo.config import Suite
from mazo.errors import ConfigError
from mazo.reading import FAULTS

_SHORTENED = Repr()
_SHORTENED.maxlevel, _SHORTENED.maxlist, _SHORTENED.maxdict = 3, 20, 20
_SHORTENED.maxstring = _SHORTENED.maxlong = _SHORTENED.maxother = 200


class _Loader(yaml.SafeLoader):
    """Plain values alone, as PyYAML's own loader, and no key twice, of which all but the last would be lost."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node, known = super().compose_mapping_node(anchor), set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in known:
                    raise yaml.constructor.ConstructorError(problem=_again(key.value), problem_mark=key.start_mark)
                known.add(key.value)
        return node


def _again(key: str) -> str:
    return f"wanted each key once; found {key} again"


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make a mapping of JSON's pairs; raises ValueError for a key that is there twice."""
    mapping: dict[str, object] = {}
    for key, value in pairs:
        if key in mapping:
            raise ValueError(_again(key))
        mapping[key] = value
    return mapping


def load_suite(path: Path) -> Suite:
    """Read a suite from a YAML file, or from the JSON file of a suite as resolved.

    :raises ConfigError: one line a fault, naming file, key, what is wanted and what was found.
    """
    return parse_suite(read_content(path), where=str(path))


def read_content(path: Path) -> object:
    """Read a configuration file: plain values alone, no key twice.

    :raises ConfigError: for a file that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        # YAML 1.1 reads 1e-05 as text, and that is how JSON writes small numbers.
        if path.suffix == ".json":
            return json.loads(text, object_pairs_hook=_once)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe one)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    # PyYAML makes values of tagged texts without looking at them: `!!int ""` is an IndexError.
    except (yaml.YAMLError, *FAULTS) as error:
        raise ConfigError(f"{path}: is not valid YAML ({' '.join(str(error).split())})") from None


def parse_suite(content: object, *, where: str) -> Suite:
    """Check the content of a configuration file.

    :raises ConfigError: one line a fault.
    """
    if not isinstance(content, dict):
        raise ConfigError(f"{where}: wanted a mapping of keys to values, found {type(content).__name__}")
    try:
        suite = Suite.model_validate(content)
        suite.model_dump_json()
    except ValidationError as error:
        raise ConfigError(
            "\n".join(f"{where}: {_explain(dict(f), schema=_schema())}" for f in error.errors())
        ) from None
    except PydanticSerializationError as error:
        raise ConfigError(f"{where}: wanted text that UTF-8 can write; found other ({error})") from None
    return suite


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
        return f"{key}.kind: wanted one of {kinds}; found {_found(fault['input'].get('kind'))}"
    message = fault["msg"].removeprefix("Value error, ")
    found = "" if isinstance(fault["input"], dict) else f"; found {_found(fault['input'])}"
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


def _found(value: object) -> str:
    """Return a value as it stands in a message, of a long one a part."""
    try:
        return _SHORTENED.repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number too long to be written"


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
