"""SQuAD rows: a passage of facts and a question answered by a span of it."""

from random import Random

from mazo.mini.facts import ASK_PERSON, ASK_VALUE, ask_about, draw_facts, phrase, tell
from mazo.mini.lexicon import TITLES


def generate(random: Random) -> dict:
    """Draw a row: title, context, question, answers (text, answer_start in characters)."""
    return draw(random)[0]


def draw(random: Random) -> tuple[dict, str]:
    """Draw a row and a wrong answer of the right kind, true of another person."""
    facts = draw_facts(random, 3)
    asked, other = ask_about(random, facts)
    context = tell(random, facts)
    if random.random() < 0.5:
        question, texts, wrong = phrase(random, ASK_PERSON, asked), [asked.person], other.person
    else:
        question, wrong = phrase(random, ASK_VALUE, asked), other.value
        texts = [asked.value, f"the {asked.value}"]
    answers = {"text": texts, "answer_start": [context.index(text) for text in texts]}
    return {"title": random.choice(TITLES), "context": context, "question": question, "answers": answers}, wrong
