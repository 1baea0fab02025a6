"""COPA rows: an everyday cause or effect, and two choices of which one belongs to it."""

from random import Random

from mazo.mini.lexicon import CAUSES, NAMES


def generate(random: Random) -> dict:
    """Draw a row: premise, choice1, choice2, question (cause, effect), label (0 the first choice)."""
    name = random.choice(NAMES)
    right, wrong = random.sample(CAUSES, 2)
    question = random.choice(("cause", "effect"))
    given, asked = (0, 1) if question == "effect" else (1, 0)
    label = random.randrange(2)
    choices = [sentence(random.choice(event[asked]), name) for event in (right, wrong)]
    if label:
        choices.reverse()
    premise = sentence(random.choice(right[given]), name)
    return {"premise": premise, "choice1": choices[0], "choice2": choices[1], "question": question, "label": label}


def sentence(event: str, name: str) -> str:
    """Write an event of one person as a sentence."""
    text = " ".join(name if word == "A" else word for word in event.split())
    return f"{text[0].upper()}{text[1:]}."
