"""Dense exercises: short passages with several questions each, so that a skill is asked for every few words.

A prompt asks once in forty words; the skills under the tasks (find a value, check a statement) come sooner from these.
A drill is a list of (said, answer); only answers weigh fully in the loss.
"""

from functools import partial
from random import Random

from mazo.mini import questions
from mazo.mini.facts import PHRASINGS, Fact, draw_things, phrase, tell, verdict
from mazo.mini.lexicon import COLORS, INVERSES, NAMES, OBJECTS, PLACES, SENSES, TOPICS
from mazo.mini.questions import QUESTIONS, Drill
from mazo.mini.reasons import ask_who, draw_people, draw_reason
from mazo.mini.rows import wic
from mazo.mini.rows.rte import fill


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


KINDS = {
    "any": (
        *((_list, 1), (_same, 2), (_alike, 1), (_pairs, 2), (_subject, 1)),
        *((_find, 6), (_check, 7), (_events, 5), (_pronouns, 2), (_senses, 2)),
    ),
    "lookup": ((_same, 1), (_pairs, 3), (_find, 6), (_check, 5)),
    "asked": ((questions.asked, 3), (questions.referred, 2)),
    "nearer": ((partial(questions.asked, short=0.5), 3), (partial(questions.referred, short=0.5), 3)),
    "verified": (
        *((questions.proposed, 4), (questions.confirmed, 4)),
        *((partial(questions.referred, short=0.5), 2), (questions.means, 1)),
    ),
}
"""Exercises with their weights: all of those in other forms than the tasks' own; of these the ones of finding alone,
which comes late where all compete; many questions in the tasks' own forms about one passage; these with half of the
answers nearer to what they depend on; and proposed answers to verify, in steps from near the question to the tasks'.
"""
ANSWERS_ALONE = ("verified",)
"""Kinds of which nothing but the answers weighs in the loss."""
