"""Settings with some of them replaced, by keys with dots."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from mazo.settings import Settings

Value = bool | int | float | str | None
Overrides = dict[str, Value]
"""Key below the settings, with dots inside groups (``mask.density``), to value."""

Replaced = TypeVar("Replaced", bound=Settings)


def replaced(settings: Replaced, overrides: Mapping[str, Value]) -> Replaced:
    """Return the settings with these in place of their own, checked as when read from a file.

    :raises ValueError: a key that there is not, or a value that it does not take.
    """
    if not overrides:
        return settings
    content = settings.model_dump()
    for key, value in overrides.items():
        _put(content, key, value)
    try:
        return type(settings).model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or ", ".join(overrides)
        found = "" if isinstance(first["input"], dict) else f"; found {first['input']!r}"
        raise ValueError(f"{place}: {first['msg'].removeprefix('Value error, ')}{found}") from None


def _put(content: dict[str, Any], key: str, value: Value) -> None:
    *groups, last = key.split(".")
    inside: Any = content
    for group in groups:
        inside = inside.get(group) if isinstance(inside, dict) else None
    if not isinstance(inside, dict) or last not in inside:
        raise ValueError(f"{key}: wanted a setting of that name; found none")
    inside[last] = value
