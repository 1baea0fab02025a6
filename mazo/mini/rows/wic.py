"""WiC rows: a word with two senses in two sentences; the nouns beside it tell the sense, and never repeat."""

from random import Random

from mazo.mini.lexicon import NAMES, SENSES, TOPICS

FORMS = (
    "{n} saw the {w} and the {c}.",
    "The {w} was near the {c}.",
    "{n} spoke of the {c} and the {w}.",
    "With the {c} came a {w}.",
    "{n} likes the {w} with the {c}.",
)


def generate(random: Random) -> dict:
    """Draw a row: word, sentence1, sentence2, label (1 same meaning)."""
    word = random.choice(tuple(SENSES))
    label = random.randrange(2)
    first = random.randrange(2)
    second = first if label else 1 - first
    if first == second:
        near = random.sample(TOPICS[SENSES[word][first]], 2)
    else:
        near = [random.choice(TOPICS[SENSES[word][side]]) for side in (first, second)]
    forms, names = random.sample(FORMS, 2), random.sample(NAMES, 2)
    sentences = [form.format(n=n, w=word, c=c) for form, n, c in zip(forms, names, near, strict=True)]
    return {"word": word, "sentence1": sentences[0], "sentence2": sentences[1], "label": label}
