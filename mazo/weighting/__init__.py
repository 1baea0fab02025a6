"""How the tasks share a step: one weight a task's loss, from losses alone; one rule a file."""

from collections.abc import Mapping

from mazo.weighting.base import Closure, TaskWeighting, Told
from mazo.weighting.coba import Coba
from mazo.weighting.famo import Famo
from mazo.weighting.uniform import Uniform

WEIGHTINGS: dict[str, type[TaskWeighting]] = {"uniform": Uniform, "famo": Famo, "coba": Coba}


def make_weighting(name: str, options: Mapping[str, object] | None = None) -> TaskWeighting:
    """Build the rule of that name, before its first step.

    :param name: A key of :data:`WEIGHTINGS`; anything else raises ``KeyError``.
    :param options: The rule's own settings, by name; those left out take their defaults.
    """
    return WEIGHTINGS[name](**(options or {}))


__all__ = ["WEIGHTINGS", "Closure", "TaskWeighting", "Told", "make_weighting"]
