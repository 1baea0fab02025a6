"""SST-2 rows: reviews of one or two clauses; "not" turns a clause round and what follows "but" decides."""

from random import Random

from mazo.mini.lexicon import BLAME, DEGREES, PRAISE, REVIEWED


def generate(random: Random) -> dict:
    """Draw a row: sentence, label (0 negative, 1 positive)."""
    label = random.randrange(2)
    first, second = random.sample(REVIEWED, 2)
    form = random.randrange(3)
    if form == 0:
        sentence = f"{_clause(random, first, label)}."
    elif form == 1:
        sentence = f"{_clause(random, first, label)} and {_clause(random, second, label)}."
    else:
        sentence = f"{_clause(random, first, 1 - label)} but {_clause(random, second, label)}."
    return {"sentence": sentence, "label": label}


def _clause(random: Random, subject: str, positive: int) -> str:
    negated = random.random() < 0.35
    word = random.choice(PRAISE if bool(positive) != negated else BLAME)
    degree = f"{random.choice(DEGREES)} " if random.random() < 0.4 else ""
    return f"the {subject} is {'not ' if negated else ''}{degree}{word}"
