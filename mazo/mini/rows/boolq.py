"""BoolQ rows: a passage of facts and a yes/no question; a false one names what another person has or where they are."""

from random import Random

from mazo.mini.facts import YES_NO, ask_about, draw_facts, phrase, tell


def generate(random: Random) -> dict:
    """Draw a row: passage, question, label (1 yes)."""
    facts = draw_facts(random, 3)
    asked, other = ask_about(random, facts)
    label = random.randrange(2)
    question = phrase(random, YES_NO, asked if label else asked._replace(value=other.value))
    return {"passage": tell(random, facts), "question": question, "label": label}
