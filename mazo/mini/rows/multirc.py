"""MultiRC rows: a paragraph of facts, a question for a person or a value, and a proposed answer."""

from random import Random

from mazo.mini.facts import ASK_PERSON, ASK_VALUE, ask_about, draw_facts, phrase, tell


def generate(random: Random) -> dict:
    """Draw a row: paragraph, question, answer, label (1 correct); a wrong answer is true of another person."""
    facts = draw_facts(random, 3)
    asked, other = ask_about(random, facts)
    label = random.randrange(2)
    source = asked if label else other
    if random.random() < 0.5:
        question, answer = phrase(random, ASK_PERSON, asked), source.person
    else:
        question, answer = phrase(random, ASK_VALUE, asked), source.value
    return {"paragraph": tell(random, facts), "question": question, "answer": answer, "label": label}
