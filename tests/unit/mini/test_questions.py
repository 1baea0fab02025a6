"""Exercises of many questions: every answer must follow from the passage before it."""

import re
from random import Random

import pytest

from mazo.mini import drills, questions
from mazo.mini.lexicon import BECAUSE, NAMES

YES = {"Yes": True, "true.": True, "No": False, "false.": False}


def asked_about(drill):
    """Pair every question with the passage it is about."""
    passage = ""
    for said, answer in drill:
        if answer:
            yield passage, said, answer
        else:
            passage = said


def words(text):
    return set(re.findall(r"\w+", text))


@pytest.mark.parametrize("exercise", [questions.proposed, questions.confirmed])
def test_a_proposed_answer_is_right_where_one_sentence_holds_it_and_what_was_asked(exercise):
    seen = []
    for seed in range(40):
        for passage, said, answer in asked_about(exercise(Random(seed))):
            about = words(said) & words(passage) - {"is", "has", "the", "in", "at"}
            facts = [words(fact) for fact in passage.split(". ")]
            assert YES[answer] == any(about <= fact for fact in facts), (passage, said)
            seen.append(YES[answer])
    assert 0.4 < sum(seen) / len(seen) < 0.6


@pytest.mark.parametrize("exercise", [questions.referred, questions.means])
def test_a_pronoun_means_whom_verb_and_adjective_tell(exercise):
    seen = []
    for seed in range(40):
        for passage, said, answer in asked_about(exercise(Random(seed))):
            subject, verb, other = passage.split()[:3]
            adjective = passage.rstrip(".").split()[-1]
            side = [adjective in adjectives for adjectives in BECAUSE[verb]].index(True)
            (named,) = words(said) & set(NAMES)
            assert YES[answer] == (named == (subject, other)[side])
            seen.append(YES[answer])
    assert 0.35 < sum(seen) / len(seen) < 0.65


def test_a_written_answer_stands_beside_what_was_asked():
    for seed in range(40):
        for passage, said, answer in asked_about(questions.asked(Random(seed))):
            if said.endswith("Answer:"):
                (fact,) = [fact for fact in passage.split(". ") if answer in fact]
                assert words(said) & words(fact) - {"is", "has", "the", "in", "at"}


def test_short_forms_come_as_often_as_asked_for():
    def tails(short):
        said = [said for seed in range(60) for said, answer in questions.referred(Random(seed), short=short) if answer]
        return sum("Yes or No" not in text for text in said) / len(said)

    assert tails(0.0) == 0
    assert 0.4 < tails(0.5) < 0.6
    assert tails(1.0) == 1


@pytest.mark.parametrize("kind", drills.KINDS)
def test_equal_seeds_draw_equal_exercises(kind):
    assert drills.draw(Random(7), kind) == drills.draw(Random(7), kind) != drills.draw(Random(8), kind)
