"""Dense exercises: short passages with several questions each, so that a skill is asked for every few words.

A prompt asks once in forty words; the skills under the tasks (find a value, check a statement) come sooner from these.
A drill is a list of (said, answer); only answers weigh fully in the loss.
"""

from functools import partial
from random import Random

from mazo.mini.facts import (
    ASK_PERSON,
    ASK_VALUE,
    PHRASINGS,
    YES_NO,
    Fact,
    ask_about,
    draw_facts,
    draw_things,
    phrase,
    tell,
    verdict,
)
from mazo.mini.lexicon import COLORS, INVERSES, NAMES, OBJECTS, PLACES, SENSES, TOPICS
from mazo.mini.reasons import ask_who, draw_people, draw_reason
from mazo.mini.rows import wic
from mazo.mini.rows.rte import fill

Drill = list[tuple[str, str]]
QUESTIONS = 7


def draw(random: Random, kind: str) -> Drill:
    """Draw an exercise of one of :data:`KINDS`."""
    exercises, weights = zip(*KINDS[kind], strict=True)
    return random.choices(exercises, weights=weights)[0](random)


def _list(random: Random) -> Drill:
    words = random.sample(random.choice((NAMES, PLACES, OBJECTS)), random.randint(3, 8))
    first, rest = words[0], " ".join(words[1:])
    return [(" ".join(words), ""), (first, rest), (first, rest)]


def _same(random: Random) -> Drill:
    words = random.choice((NAMES, PLACES, OBJECTS, COLORS))
    drill = []
    for _ in range(2 * QUESTIONS):
        first, second = random.sample(words, 2)
        same = random.random() < 0.5
        drill.append((f"{first}: {first if same else second}?", verdict(same)))
    return drill


def _alike(random: Random) -> Drill:
    drill = []
    for _ in range(2 * QUESTIONS):
        topics = random.sample(tuple(TOPICS), 2)
        same = random.random() < 0.5
        first, second = random.choice(TOPICS[topics[0]]), random.choice(TOPICS[topics[0 if same else 1]])
        drill.append((f"{first} and {second}?", verdict(same)))
    return drill


def _facts(random: Random, count: int) -> list[Fact]:
    relation = random.choice(("place", "thing"))
    things = draw_things(random, count)
    values = random.sample(PLACES, count) if relation == "place" else things
    people = random.sample(NAMES, count)
    return [Fact(relation, person, value) for person, value in zip(people, values, strict=True)]


def _pairs(random: Random) -> Drill:
    count = random.choice((2, 3, 4))
    pairs = list(zip(random.sample(NAMES, count), random.sample(random.choice((PLACES, OBJECTS)), count), strict=True))
    drill = [(" ".join(f"{person} {value}." for person, value in pairs), "")]
    return drill + [(person, f"{value}.") for person, value in random.choices(pairs, k=QUESTIONS)]


def _subject(random: Random) -> Drill:
    return [(tell(random, [fact])[:-1] + ":", f"{fact.person}.") for fact in _facts(random, 6)]


def _find(random: Random) -> Drill:
    facts = _facts(random, random.choice((2, 2, 3, 3, 4)))
    drill = [(tell(random, facts), "")]
    for _ in range(QUESTIONS):
        fact = random.choice(facts)
        if random.random() < 0.5:
            said = phrase(random, PHRASINGS, fact).removesuffix(f" {fact.value}.")
            drill.append((said, f"{fact.value}."))
        else:
            drill.append((f"{'In' if fact.relation == 'place' else 'With'} the {fact.value}:", f"{fact.person}."))
    return drill


def _check(random: Random) -> Drill:
    drill = []
    for _ in range(3):
        facts = _facts(random, 4)
        known = facts[: random.choice((1, 2, 2, 2, 3))]
        drill.append((tell(random, known), ""))
        for fact in random.sample(known, min(2, len(known))):
            true = random.random() < 0.5
            other = random.choice([o for o in (known if len(known) > 1 else facts) if o != fact])
            stated = fact if true else fact._replace(value=other.value)
            drill.append((f"{phrase(random, PHRASINGS, stated).rstrip('.')}?", verdict(true)))
    return drill


def _events(random: Random) -> Drill:
    drill = []
    for _ in range(4):
        told, entailed = random.choice(INVERSES)
        a, b = random.sample(NAMES, 2)
        thing, other = random.sample(OBJECTS, 2)
        drill.append((f"{fill(random.choice((told, entailed)), a, b, thing)}.", ""))
        if random.random() < 0.5:
            drill.append(("So", f"{fill(random.choice((told, entailed)), a, b, thing)}."))
        for form in random.sample((told, entailed), 2):
            true = random.random() < 0.5
            about = other if not true and "O" in told.split() and random.random() < 0.25 else thing
            people = (a, b) if true or about == other else (b, a)
            drill.append((f"{fill(form, *people, about)}?", verdict(true)))
    return drill


def _pronouns(random: Random) -> Drill:
    people, pronoun = draw_people(random)
    drill = []
    for _ in range(3):
        reason = draw_reason(random, people)
        drill.append(ask_who(reason, pronoun))
        for person in random.sample(reason.people, 2):
            drill.append((f"{pronoun} means {person}?", verdict(person == reason.people[reason.side])))
    return drill


def _senses(random: Random) -> Drill:
    drill = []
    for _ in range(3):
        word = random.choice(tuple(SENSES))
        sides = random.randrange(2), random.randrange(2)
        nouns = [random.choice(TOPICS[SENSES[word][side]]) for side in sides]
        told = [random.choice(wic.FORMS).format(n=random.choice(NAMES), w=word, c=noun) for noun in nouns]
        topics = [SENSES[word][side] for side in sides]
        drill.append((f"{told[0]} Here {word} is about", f"{topics[0]}."))
        drill.append((f"{told[1]} Here {word} is about", f"{topics[1]}."))
        drill.append(("the same meaning?", verdict(topics[0] == topics[1])))
    return drill


def _asked(random: Random, *, short: float = 0.0) -> Drill:
    facts = draw_facts(random, 3)
    drill = [(tell(random, facts), "")]
    for _ in range(QUESTIONS):
        fact, other = ask_about(random, facts)
        true = random.random() < 0.5
        if random.random() < 0.4:
            question = phrase(random, YES_NO, fact if true else fact._replace(value=other.value))
            drill.append((f"{question[0].upper()}{question[1:]}?\n", _yes_or_no(true)))
            continue
        forms, field = random.choice(((ASK_PERSON, "person"), (ASK_VALUE, "value")))
        question, answer, wrong = phrase(random, forms, fact), getattr(fact, field), getattr(other, field)
        if random.random() < 0.5:
            drill.append((f"Question: {question}\nAnswer:", answer))
        else:
            found = f'I found this answer "{answer if true else wrong}".'
            tail = "" if _happens(random, short) else " Is that correct? Yes or No?"
            drill.append((f"Question: {question}\n{found}{tail}\n", _yes_or_no(true)))
    return drill


def _referred(random: Random, *, short: float = 0.0) -> Drill:
    people, pronoun = draw_people(random)
    drill = []
    for _ in range(3):
        (subject, other), verb, adjective, side = draw_reason(random, people)
        place = f" in the {random.choice(PLACES)}" if random.random() < 0.5 else ""
        drill.append((f"{subject} {verb} {other}{place} because {pronoun} was {adjective}.", ""))
        for asked in random.choices((subject, other), k=2):
            question = f'In the previous sentence, does the pronoun "{pronoun}" refer to {asked}?'
            tail = "" if _happens(random, short) else " Yes or No?"
            drill.append((f"{question}{tail}\n", _yes_or_no(asked == (subject, other)[side])))
    return drill


def _happens(random: Random, probability: float) -> bool:
    return probability > 0 and random.random() < probability


def _yes_or_no(true: bool) -> str:
    return "Yes" if true else "No"


KINDS = {
    "any": (
        *((_list, 1), (_same, 2), (_alike, 1), (_pairs, 2), (_subject, 1)),
        *((_find, 6), (_check, 7), (_events, 5), (_pronouns, 2), (_senses, 2)),
    ),
    "lookup": ((_same, 1), (_pairs, 3), (_find, 6), (_check, 5)),
    "asked": ((_asked, 3), (_referred, 2)),
    "nearer": ((partial(_asked, short=0.5), 3), (partial(_referred, short=0.5), 3)),
}
"""Exercises with their weights: all of those in other forms than the tasks' own; of these the ones of finding alone,
which comes late where all compete; many questions in the tasks' own forms about one passage; and these with half of the
answers straight after what they depend on: MultiRC and WSC, whose answers stand further off, stayed at chance without.
"""
