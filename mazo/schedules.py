"""How the step size falls over a run; each schedule is the share of ``lr`` left at a step."""

import math
from collections.abc import Callable

Schedule = Callable[[int, int], float]


def constant(step: int, num_steps: int) -> float:
    """Keep the step size (MeZO's choice)."""
    return 1.0


def linear(step: int, num_steps: int) -> float:
    r"""Fall in a straight line, :math:`1 - s / n`: 1 at step 0, zero just after the last step."""
    return 1.0 - step / num_steps


def cosine(step: int, num_steps: int) -> float:
    r"""Fall along half a cosine, :math:`(1 + \cos(\pi s / n)) / 2`: 1 at step 0, zero just after the last step."""
    return 0.5 * (1.0 + math.cos(math.pi * step / num_steps))


SCHEDULES: dict[str, Schedule] = {"constant": constant, "linear": linear, "cosine": cosine}
