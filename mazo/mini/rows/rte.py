"""RTE rows: an event told from one side and a hypothesis from the other; a false one swaps the people or the thing."""

from random import Random

from mazo.mini.lexicon import INVERSES, NAMES, OBJECTS, PLACES


def generate(random: Random) -> dict:
    """Draw a row: premise, hypothesis, label (0 entailment, 1 not)."""
    a, b, c = random.sample(NAMES, 3)
    thing, other = random.sample(OBJECTS, 2)
    premise, entailed = random.choice(INVERSES)
    if random.random() < 0.3:
        premise, entailed = entailed, premise
    label = random.randrange(2)
    if label == 0:
        people, about = (a, b), thing
    elif "O" in entailed.split() and random.random() < 0.3:
        people, about = (a, b), other
    else:
        people, about = (b, a), thing
    aside = f"{c} was at the {random.choice(PLACES)}."
    told = fill(premise, a, b, thing) + "."
    passage = random.choice((f"{told}", f"{aside} {told}", f"{told} {aside}"))
    return {"premise": passage, "hypothesis": fill(entailed, *people, about) + ".", "label": label}


def fill(form: str, a: str, b: str, thing: str) -> str:
    """Put names and a thing into a form's slots A, B and O."""
    slots = {"A": a, "B": b, "O": thing}
    return " ".join(slots.get(word, word) for word in form.split())
