"""Many questions about one passage, in the tasks' own forms or on the way to them.

An answer far from what it depends on (MultiRC, WSC) is learned last; forms with the answer nearer lead to it.
"""

from collections.abc import Callable
from random import Random

from mazo.mini.facts import (
    ASK_PERSON,
    ASK_VALUE,
    YES_NO,
    Fact,
    ask_about,
    draw_facts,
    phrase,
    tell,
    verdict,
)
from mazo.mini.lexicon import PLACES
from mazo.mini.reasons import draw_people, draw_reason

Drill = list[tuple[str, str]]
QUESTIONS = 7
"""Questions about one passage."""
PROPOSALS = (
    "{question} {answer}?",
    "{question}\n{answer}?",
    "{question} I found {answer}.",
    '{question}\nI found "{answer}".',
    'Question: {question}\nI found this answer "{answer}".',
    'Question: {question}\nI found this answer "{answer}". Is that correct? Yes or No?',
)
"""Ways to propose an answer, from the nearest to the question to MultiRC's own."""


def asked(random: Random, *, short: float = 0.0) -> Drill:
    """Ask about facts as BoolQ, SQuAD and MultiRC do; some of MultiRC's without their last words."""
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


def referred(random: Random, *, short: float = 0.0) -> Drill:
    """Ask whom a pronoun refers to as WSC does, some without the last words."""
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


def means(random: Random) -> Drill:
    """Ask whom a pronoun means, the answer straight after the name."""
    people, pronoun = draw_people(random)
    drill = []
    for _ in range(4):
        (subject, other), verb, adjective, side = draw_reason(random, people)
        drill.append((f"{subject} {verb} {other} because {pronoun} was {adjective}.", ""))
        for asked in random.choices((subject, other), k=2):
            drill.append((f"{pronoun} means {asked}?", verdict(asked == (subject, other)[side])))
    return drill


def proposed(random: Random) -> Drill:
    """Propose an answer straight after its question."""
    return _propose_each(random, count=3, ask=lambda question, answer, true: (f"{question} {answer}?", verdict(true)))


def confirmed(random: Random) -> Drill:
    """Propose an answer in one of :data:`PROPOSALS`."""

    def ask(question: str, answer: str, true: bool) -> tuple[str, str]:
        return f"{random.choice(PROPOSALS).format(question=question, answer=answer)}\n", _yes_or_no(true)

    return _propose_each(random, count=4, ask=ask)


def _propose_each(random: Random, *, count: int, ask: Callable[[str, str, bool], tuple[str, str]]) -> Drill:
    """Tell three passages, each with ``count`` proposed answers in the form that ``ask`` gives them."""
    drill = []
    for _ in range(3):
        facts = draw_facts(random, random.choice((2, 2, 3)))
        drill.append((tell(random, facts), ""))
        drill += [ask(*_propose(random, facts)) for _ in range(count)]
    return drill


def _propose(random: Random, facts: list[Fact]) -> tuple[str, str, bool]:
    """Ask about a fact and propose an answer: question, answer, whether it is right."""
    fact, other = ask_about(random, facts)
    true = random.random() < 0.5
    forms, field = random.choice(((ASK_PERSON, "person"), (ASK_VALUE, "value")))
    return phrase(random, forms, fact), getattr(fact if true else other, field), true


def _happens(random: Random, probability: float) -> bool:
    return probability > 0 and random.random() < probability


def _yes_or_no(true: bool) -> str:
    return "Yes" if true else "No"
