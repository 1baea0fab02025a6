"""What may be set in a configuration file, as a JSON schema and as a Markdown table, from the settings classes."""

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mazo.config import Suite
from mazo.pages import with_block

BEGIN = "<!-- keys: begin (written by `make generated`) -->"
END = "<!-- keys: end -->"
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def schema_text() -> str:
    """Return the JSON schema of a suite as YAML."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Suite.model_json_schema()}
    return "# Written by `make generated` from mazo/config.py.\n" + yaml.safe_dump(schema, sort_keys=False, width=120)


def with_key_table(page: str) -> str:
    """Return a page with the table between its markers renewed.

    :raises ConfigError: a page without the two markers.
    """
    return with_block(page, key_table(), begin=BEGIN, end=END)


def key_table() -> str:
    """Return a row a key: the key, what it accepts, its default, its meaning."""
    lines = ["| key | accepted | default | meaning, unit, source |", "|---|---|---|---|"]
    for key, field in keys(Suite):
        default = "required" if field.is_required() else f"`{_plain(field.default)}`"
        meaning = " ".join((field.description or "").replace("``", "`").split())
        lines.append(f"| `{key}` | {_accepted(field)} | {default} | {meaning} |".replace("||", "\\|\\|"))
    return "\n".join(lines) + "\n"


def keys(model: type[BaseModel], prefix: str = "") -> list[tuple[str, FieldInfo]]:
    """List the keys that hold a value, in order, with dots; ``<name>`` stands for a name the user chooses."""
    found: list[tuple[str, FieldInfo]] = []
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        groups, is_named = _groups(field.annotation)
        if not groups or is_named:
            found.append((key, field))
        if len(groups) > 1:
            found.append((f"{key}.<name>.kind" if is_named else f"{key}.kind", _kind(groups)))
        for group in groups:
            label = f"{key}.<{_kind_of(group)}>" if len(groups) > 1 else f"{key}.<name>" if is_named else key
            found += [entry for entry in keys(group, f"{label}.") if not entry[0].endswith(">.kind")]
    return found


def _kind_of(group: type[BaseModel]) -> str:
    return get_args(group.model_fields["kind"].annotation)[0]


def _kind(groups: list[type[BaseModel]]) -> FieldInfo:
    """Describe the key that tells the groups apart."""
    kinds: Any = Literal[tuple(_kind_of(group) for group in groups)]
    return FieldInfo(annotation=kinds, description="What it is; decides the other keys.")


def _groups(annotation: Any) -> tuple[list[type[BaseModel]], bool]:
    """Find the settings classes a field holds, and whether they stand under names of the user's."""
    if get_origin(annotation) is Annotated:
        return _groups(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation], False
    if get_origin(annotation) is dict:
        return _groups(get_args(annotation)[1])[0], True
    if get_origin(annotation) in (Union, types.UnionType):
        return [group for option in get_args(annotation) for group in _groups(option)[0]], False
    return [], False


def _accepted(field: FieldInfo) -> str:
    limits = [(rule, name, sign) for rule in field.metadata for name, sign in BOUNDS.items() if _has(rule, name)]
    bounds = [f"{sign} {getattr(rule, name)}" for rule, name, sign in limits]
    return ", ".join([_type(field.annotation), *bounds])


def _has(rule: object, name: str) -> bool:
    return getattr(rule, name, None) is not None


def _type(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(inner[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        options = [option for option in inner if option is not type(None)]
        return "a group of settings" if _groups(options[0])[0] else " or ".join(map(_type, options))
    if origin is list:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        values = "settings" if _groups(annotation)[0] else _type(inner[1])
        return f"names to {values}"
    return {str: "text", int: "whole number", float: "number", bool: "true, false"}.get(annotation, "settings")


def _plain(value: object) -> str:
    return "none" if value is None else str(value)
