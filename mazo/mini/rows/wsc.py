"""WSC rows: whom a pronoun refers to follows from the verb and the adjective together, never from one of them."""

from random import Random

from mazo.mini.lexicon import PLACES
from mazo.mini.reasons import draw_people, draw_reason


def generate(random: Random) -> dict:
    """Draw a row: text, span1_text (a person), span2_text (the pronoun), label (1 it refers to that person)."""
    people, pronoun = draw_people(random)
    (subject, other), verb, adjective, side = draw_reason(random, people)
    label = random.randrange(2)
    asked = (subject, other)[side if label else 1 - side]
    place = f" in the {random.choice(PLACES)}" if random.random() < 0.5 else ""
    text = f"{subject} {verb} {other}{place} because {pronoun} was {adjective}."
    return {"text": text, "span1_text": asked, "span2_text": pronoun, "label": label}
