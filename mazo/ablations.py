"""Which methods of a suite differ from another in one number: the ablations that its tables can show."""

from collections.abc import Mapping
from dataclasses import dataclass

from mazo.config import Suite
from mazo.ledger import flat_settings

FREE = ("lr", "label")
"""Keys that may differ as well: a denser mask wants another step size."""


@dataclass(frozen=True)
class Ablation:
    """A number of a method's settings, and the methods that set it otherwise and nothing else."""

    base: str
    """The method that the others vary."""
    key: str
    """With dots below the method, for example ``mask.density``."""
    methods: Mapping[str, int | float]
    """Each method's value, the base's among them, from the smallest up."""


def find_ablations(suite: Suite) -> list[Ablation]:
    """Find the groups of methods that differ in one number, by the first of each group."""
    settings: dict[str, dict] = {n: dict(flat_settings(m.model_dump())) for n, m in suite.methods.items()}
    groups: dict[tuple[str, str], dict[str, int | float]] = {}
    varied: set[str] = set()
    for name, own in settings.items():
        for base, other in settings.items():
            if base == name:
                break
            key = _one_number(own, other)
            if key is not None and base not in varied:
                groups.setdefault((base, key), {base: other[key]})[name] = own[key]
                varied.add(name)
                break
    return [
        Ablation(base, key, dict(sorted(values.items(), key=lambda entry: entry[1])))
        for (base, key), values in groups.items()
    ]


def _one_number(own: Mapping, other: Mapping) -> str | None:
    """Return the only key in which two methods differ, if it holds a number."""
    keys = [key for key in own.keys() | other.keys() if key not in FREE and own.get(key) != other.get(key)]
    if len(keys) != 1 or any(type(group.get(keys[0])) not in (int, float) for group in (own, other)):
        return None
    return keys[0]
