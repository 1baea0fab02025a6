"""The mini rows: official fields, right labels, disjoint splits, and no surface word that gives the answer away."""

import re
from collections import Counter

import pytest

from mazo.data import FIELDS
from mazo.mini.lexicon import BECAUSE, CAUSES, NAMES, SENSES, TOPICS
from mazo.mini.rows import GENERATORS, content, generate_rows, split_of
from mazo.mini.rows.copa import sentence

TASKS = tuple(GENERATORS)
LABELLED = [task for task in TASKS if task != "squad"]


def rows_of(task, count=1500, split="train", seed=0):
    return generate_rows(task, split=split, count=count, seed=seed)


def values_by_person(passage):
    """Read a passage of facts with regular expressions, independently of what wrote it."""
    told = re.findall(r"(\w+) (?:is in|went to|stays at|has|holds|took) the ([\w ]+?)\.", passage)
    return dict(told)


@pytest.mark.parametrize("task", TASKS)
def test_rows_carry_the_official_fields_and_are_distinct(task):
    rows = rows_of(task)
    assert all(set(FIELDS[task]) <= set(row) for row in rows)
    assert len({repr(row) for row in rows}) == len(rows)


@pytest.mark.parametrize("task", TASKS)
def test_the_splits_share_no_content_whatever_the_seed(task):
    def contents(rows):
        return {repr(content(row)) for row in rows}

    train, dev, test = (
        contents(rows_of(task, 400, split, seed))
        for split, seed in zip(("train", "dev", "test"), (0, 1, 2), strict=True)
    )
    assert not train & dev
    assert not train & test
    assert not dev & test


@pytest.mark.parametrize("task", TASKS)
def test_equal_seeds_give_equal_rows_and_others_do_not(task):
    assert rows_of(task, 50, seed=3) == rows_of(task, 50, seed=3)
    assert rows_of(task, 50, seed=3) != rows_of(task, 50, seed=4)


@pytest.mark.parametrize("task", TASKS)
def test_a_thousand_test_rows_can_be_had(task):
    rows = rows_of(task, 1000, "test")
    assert {split_of(row) for row in rows} == {"test"}


def test_too_many_rows_are_refused_with_the_number_had(monkeypatch):
    monkeypatch.setitem(
        GENERATORS, "rte", lambda random: {"premise": "x", "hypothesis": str(random.randrange(8)), "label": 0}
    )
    with pytest.raises(ValueError, match=r"rte: the mini world gave \d distinct train rows; 20 wanted"):
        generate_rows("rte", split="train", count=20, seed=0)


@pytest.mark.parametrize("task", LABELLED)
def test_labels_are_balanced(task):
    share = sum(row["label"] for row in rows_of(task)) / 1500
    assert 0.44 < share < 0.56


@pytest.mark.parametrize("task", LABELLED)
def test_no_single_word_in_a_field_decides_the_label(task):
    rows = rows_of(task)
    counts = {0: Counter(), 1: Counter()}
    for row in rows:
        fields = ((key, value) for key, value in row.items() if key != "label")
        counts[row["label"]].update({(key, word) for key, value in fields for word in str(value).split()})
    seen = counts[0] + counts[1]
    gains = {word: abs(counts[1][word] - counts[0][word]) / len(rows) for word in seen}
    word, gain = max(gains.items(), key=lambda item: item[1])
    assert 0.5 + gain / 2 < 0.65, f"{word} alone reaches {0.5 + gain / 2:.2f}"


@pytest.mark.parametrize(("task", "passage"), [("boolq", "passage"), ("multirc", "paragraph"), ("squad", "context")])
def test_reading_tasks_are_answered_by_their_passage(task, passage):
    for row in rows_of(task, 300):
        values = values_by_person(row[passage])
        people = {value: person for person, value in values.items()}
        assert len(values) == 3
        if task == "boolq":
            person = next(p for p in values if p in row["question"])
            true = re.search(rf"\b{values[person]}\b", row["question"]) is not None
        else:
            asked = row["question"].rstrip("?")
            asks_person = asked.startswith("Who")
            right = (
                people[re.sub(r"^Who (is in|has) the ", "", asked)]
                if asks_person
                else values[next(p for p in values if p in asked)]
            )
            true = right == (row["answer"] if task == "multirc" else row["answers"]["text"][0])
        assert true == bool(row.get("label", 1)), row


def test_squad_answers_are_spans_of_the_context():
    for row in rows_of("squad", 300):
        for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
            assert row["context"][start : start + len(text)] == text


def test_a_pronoun_goes_to_the_side_its_adjective_tells_of():
    for row in rows_of("wsc", 300):
        subject, verb, other = re.match(r"(\w+) (\w+) (\w+)", row["text"]).groups()
        adjective = row["text"].rstrip(".").split()[-1]
        referent = subject if adjective in BECAUSE[verb][0] else other
        assert (referent == row["span1_text"]) == bool(row["label"]), row


def test_two_senses_are_told_by_the_topic_of_the_noun_beside_the_word():
    topic_of = {noun: topic for topic, nouns in TOPICS.items() for noun in nouns}
    for row in rows_of("wic", 300):
        near = [
            [w for w in re.findall(r"\w+", row[key]) if w in topic_of and w != row["word"]]
            for key in ("sentence1", "sentence2")
        ]
        topics = [next(topic_of[w] for w in words) for words in near]
        assert set(topics) <= set(SENSES[row["word"]])
        assert (topics[0] == topics[1]) == bool(row["label"]), row


def test_the_right_choice_shares_its_event_with_the_premise():
    for row in rows_of("copa", 300):
        given, asked = (0, 1) if row["question"] == "effect" else (1, 0)
        name = next(
            (w for w in re.findall(r"\w+", " ".join((row["premise"], row["choice1"], row["choice2"]))) if w in NAMES),
            "A",
        )
        premises = [
            event for event in CAUSES if row["premise"] in {sentence(s, n) for s in event[given] for n in (name, "A")}
        ]
        right = row["choice2"] if row["label"] else row["choice1"]
        assert any(right in {sentence(s, name) for s in event[asked]} for event in premises), row


def test_a_false_hypothesis_is_never_what_the_premise_says():
    for row in rows_of("rte", 300):
        if row["label"] == 1:
            assert row["hypothesis"] not in row["premise"]
