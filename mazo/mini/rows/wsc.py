"""WSC rows: whom a pronoun refers to follows from the verb and the adjective together, never from one of them."""

from random import Random

from mazo.mini.lexicon import BECAUSE, MEN, PLACES, WOMEN


def generate(random: Random) -> dict:
    """Draw a row: text, span1_text (a person), span2_text (the pronoun), label (1 it refers to that person)."""
    people, pronoun = random.choice(((WOMEN, "she"), (MEN, "he")))
    subject, other = random.sample(people, 2)
    verb = random.choice(tuple(BECAUSE))
    side = random.randrange(2)
    adjective = random.choice(BECAUSE[verb][side])
    label = random.randrange(2)
    referent = (subject, other)[side]
    asked = referent if label else (subject, other)[1 - side]
    place = f" in the {random.choice(PLACES)}" if random.random() < 0.5 else ""
    text = f"{subject} {verb} {other}{place} because {pronoun} was {adjective}."
    return {"text": text, "span1_text": asked, "span2_text": pronoun, "label": label}
