"""Plain facts about people and things, and the questions that ask for them: what reading tasks are made of."""

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from mazo.mini.lexicon import COLORS, NAMES, OBJECTS, PLACES


class Fact(NamedTuple):
    """One fact: a person at a place, or a person with a coloured thing."""

    relation: str  # "place" or "thing"
    person: str
    value: str  # "kitchen" or "red ball"


PHRASINGS = {
    "place": ("{p} is in the {v}.", "{p} went to the {v}.", "{p} stays at the {v}."),
    "thing": ("{p} has the {v}.", "{p} holds the {v}.", "{p} took the {v}."),
}
YES_NO = {
    "place": ("is {p} in the {v}", "is {p} at the {v}"),
    "thing": ("does {p} have the {v}", "is the {v} with {p}"),
}
ASK_VALUE = {"place": ("Where is {p}?",), "thing": ("What does {p} have?",)}
ASK_PERSON = {"place": ("Who is in the {v}?",), "thing": ("Who has the {v}?",)}


def draw_things(random: Random, count: int) -> list[str]:
    """Draw different things, each of some colour."""
    return [f"{random.choice(COLORS)} {thing}" for thing in random.sample(OBJECTS, count)]


def draw_facts(random: Random, count: int) -> list[Fact]:
    """Draw facts of different people, at least two of one relation, no value twice."""
    people = random.sample(NAMES, count)
    places = random.sample(PLACES, count)
    things = draw_things(random, count)
    shared = random.choice(("place", "thing"))
    relations = [shared, shared, *(random.choice(("place", "thing")) for _ in range(count - 2))]
    values = {"place": places, "thing": things}
    facts = [Fact(r, p, values[r][i]) for i, (r, p) in enumerate(zip(relations, people, strict=True))]
    random.shuffle(facts)
    return facts


def ask_about(random: Random, facts: list[Fact]) -> tuple[Fact, Fact]:
    """Choose the fact a question is about, and another of its relation to mislead with."""
    relations = [fact.relation for fact in facts]
    asked = random.choice([fact for fact in facts if relations.count(fact.relation) > 1])
    other = random.choice([fact for fact in facts if fact.relation == asked.relation and fact != asked])
    return asked, other


def tell(random: Random, facts: list[Fact]) -> str:
    """Write the facts as a passage."""
    return " ".join(phrase(random, PHRASINGS, fact) for fact in facts)


def verdict(true: bool) -> str:
    """Write whether a statement is true."""
    return "true." if true else "false."


def phrase(random: Random, forms: Mapping[str, tuple[str, ...]], fact: Fact) -> str:
    """Put a fact into one of the forms of its relation."""
    return random.choice(forms[fact.relation]).format(p=fact.person, v=fact.value)
