"""What somebody did because somebody was so; who was so follows from the verb and the adjective together."""

from random import Random
from typing import NamedTuple

from mazo.mini.lexicon import BECAUSE, MEN, WOMEN


class Reason(NamedTuple):
    """One deed and its reason."""

    people: tuple[str, str]
    """Who did it, and to whom."""
    verb: str
    adjective: str
    side: int
    """Which of the two the adjective tells of."""


def draw_people(random: Random) -> tuple[tuple[str, ...], str]:
    """Draw a group of names and its pronoun."""
    return random.choice(((WOMEN, "she"), (MEN, "he")))


def draw_reason(random: Random, names: tuple[str, ...]) -> Reason:
    """Draw a deed between two of some people."""
    subject, other = random.sample(names, 2)
    verb = random.choice(tuple(BECAUSE))
    side = random.randrange(2)
    return Reason((subject, other), verb, random.choice(BECAUSE[verb][side]), side)


def ask_who(reason: Reason, pronoun: str) -> tuple[str, str]:
    """Tell the deed and ask who was so: the question and its answer."""
    (subject, other), verb, adjective, side = reason
    return (
        f"{subject} {verb} {other} because {pronoun} was {adjective}. Who was {adjective}?",
        f"{reason.people[side]}.",
    )
