"""Plain talk about the world: short passages with a question about them, in forms the tasks do not use."""

from random import Random

from mazo.mini.facts import PHRASINGS, ask_about, draw_facts, phrase, tell, verdict
from mazo.mini.lexicon import CAUSES, INVERSES, NAMES, OBJECTS, SENSES, TOPICS
from mazo.mini.reasons import ask_who, draw_people, draw_reason
from mazo.mini.rows import sst2, wic
from mazo.mini.rows.copa import sentence
from mazo.mini.rows.rte import fill


def draw(random: Random) -> tuple[str, str]:
    """Draw a saying and its answer (empty when it only tells)."""
    return random.choices(SAYINGS, weights=WEIGHTS)[0](random)


def _find(random: Random) -> tuple[str, str]:
    facts = draw_facts(random, random.choice((2, 3, 3, 4)))
    asked, _ = ask_about(random, facts)
    if random.random() < 0.5:
        where = {"place": "{p} is in the", "thing": "{p} has the"}[asked.relation]
        return f"{tell(random, facts)} So {where.format(p=asked.person)}", f"{asked.value}."
    return f"{tell(random, facts)} In the {asked.value}: who?" if asked.relation == "place" else (
        f"{tell(random, facts)} With the {asked.value}: who?"
    ), f"{asked.person}."


def _true_or_false(random: Random) -> tuple[str, str]:
    facts = draw_facts(random, random.choice((2, 3)))
    asked, other = ask_about(random, facts)
    true = random.random() < 0.5
    said = phrase(random, PHRASINGS, asked if true else asked._replace(value=other.value))
    return f"{tell(random, facts)} It is said: {said}", verdict(true)


def _inverse(random: Random) -> tuple[str, str]:
    a, b = random.sample(NAMES, 2)
    thing = random.choice(OBJECTS)
    told, other = random.choice(INVERSES)
    if random.random() < 0.5:
        told, other = other, told
    true = random.random() < 0.5
    people = (a, b) if true else (b, a)
    if random.random() < 0.5:
        return f"{fill(told, a, b, thing)}, so", f"{fill(other, a, b, thing)}."
    return f"{fill(told, a, b, thing)}. It is said: {fill(other, *people, thing)}.", verdict(true)


def _pronoun(random: Random) -> tuple[str, str]:
    people, pronoun = draw_people(random)
    return ask_who(draw_reason(random, people), pronoun)


def _sense(random: Random) -> tuple[str, str]:
    word = random.choice(tuple(SENSES))
    topic = SENSES[word][random.randrange(2)]
    form = random.choice(wic.FORMS).format(n=random.choice(NAMES), w=word, c=random.choice(TOPICS[topic]))
    return f"{form} Here {word} is about", f"{topic}."


def _cause(random: Random) -> tuple[str, str]:
    name = random.choice(NAMES)
    cause, effect = (random.choice(side) for side in random.choice(CAUSES))
    if random.random() < 0.5:
        cause, effect, link = sentence(cause, name), sentence(effect, name), "so"
    else:
        cause, effect, link = sentence(effect, name), sentence(cause, name), "because"
    after = effect if effect.split()[0] == name else effect[0].lower() + effect[1:]
    return f"{cause[:-1]} {link}", after


def _opinion(random: Random) -> tuple[str, str]:
    row = sst2.generate(random)
    return f"{row['sentence']} So they", "liked it." if row["label"] else "hated it."


SAYINGS = (_find, _true_or_false, _inverse, _pronoun, _sense, _cause, _opinion)
WEIGHTS = (5, 3, 2, 1, 1, 2, 1)
