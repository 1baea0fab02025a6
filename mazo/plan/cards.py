"""How long a run's work takes on a card."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from mazo.config import Run
from mazo.errors import ConfigError
from mazo.methods import ZerothOrder
from mazo.plan.shape import Shape
from mazo.plan.work import Work
from mazo.zeroth_order.direction import FACTORED


@dataclass(frozen=True)
class Card:
    """A card as its maker describes it; bytes, bytes a second, bf16 operations a second."""

    label: str
    memory: float
    bandwidth: float
    flops: float
    source: str


@cache
def _file() -> dict:
    return yaml.safe_load(files("mazo.plan").joinpath("cards.yaml").read_text())


def known_cards() -> dict[str, Card]:
    """Return the known cards by name."""
    return {name: Card(**own) for name, own in _file()["cards"].items()}


def find_card(name: str) -> Card:
    """Return a card by name; raises :class:`mazo.errors.ConfigError` with those there are."""
    known = known_cards()
    if name not in known:
        raise ConfigError(f"cards: wanted some of {', '.join(known)}; found {name!r}")
    return known[name]


def hours(work: Work, run: Run, shape: Shape, on: Card) -> int | float:
    """Estimate a run's hours on a card: forwards and backward passes, passes over the weights, answers, directions."""
    efficiency, host = _file()["efficiency"], _file()["host"]
    # Two operations a weight and token; float32 weights go at half the speed at best.
    speed = on.flops * efficiency["flops"] / (1 if shape.bytes_each == 2 else 2)
    seconds = 2 * shape.block_weights * work.tokens * efficiency["padding"] / speed
    bandwidth = on.bandwidth * efficiency["bandwidth"]
    # A written token reads every weight once for a whole batch of answers.
    seconds += work.written / run.evaluation.batch_size * shape.weight_bytes / bandwidth
    seconds += work.moved / bandwidth
    return (seconds + drawing_seconds(work, run, host=host)) / 3600


def drawing_seconds(work: Work, run: Run, *, host: dict | None = None) -> int | float:
    """Estimate the seconds in which the processor draws a run's directions and sends them to the card.

    Those that Triton's kernels make on the card take none beside the passes over the weights [assumed]; the factors
    of matrices of low rank are what is left.
    """
    host = host or _file()["host"]
    if not isinstance(run.method, ZerothOrder) or run.method.direction not in FACTORED:
        return 0.0
    return work.drawn / host["gaussian"] + 4 * work.drawn / host["copy"]
