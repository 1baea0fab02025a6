import pytest

from mazo.config import DataSettings
from mazo.data import prepare_task, read_rows
from mazo.seeding import numpy_generator
from mazo.tasks.metrics import best, choice_results, f1, normalize, squad_results


def test_the_score_takes_the_mean_per_token_and_lm_evals_metrics_the_sum_and_the_characters():
    doc = {"label": 1}
    # sums -2, -3; means -2, -1; per character -2/1, -3/1
    assert choice_results(doc, [(-2.0, 1, 1), (-3.0, 3, 1)]) == {"score": 1.0, "acc": 0.0, "acc_norm": 0.0}
    # sums equal -4; per character -4/4 against -4/8
    assert choice_results(doc, [(-4.0, 2, 4), (-4.0, 2, 8)]) == {"score": 0.0, "acc": 0.0, "acc_norm": 1.0}


def test_of_equal_choices_the_first_is_taken():
    assert best([-1.0, -1.0]) == 0


@pytest.mark.parametrize(
    ("text", "normal"),
    [("The  Cat, sat!", "cat sat"), ("a\nTheatre an", "theatre"), ("U.S.", "us"), ("nearly $12", "nearly 12")],
)
def test_an_answer_is_normalised_as_squad_does(text, normal):
    assert normalize(text) == normal


@pytest.mark.parametrize(
    ("answer", "gold", "value"),
    [
        ("the cat sat", "A cat", 2 / 3),  # shared 1 of 2 and of 1
        ("cat cat", "cat", 2 / 3),  # repetition counts once
        ("dog", "cat", 0.0),
        ("", "cat", 0.0),
        ("The", "an", 0.0),  # nothing left of either: no shared word
        ("Denver Broncos", "denver broncos.", 1.0),
    ],
)
def test_f1_counts_shared_words(answer, gold, value):
    assert f1(answer, gold) == pytest.approx(value)


def test_squad_takes_the_best_of_the_gold_answers():
    doc = {"answers": {"text": ["nearly $12", "$12"]}}
    assert squad_results(doc, ["12"]) == {"score": 1.0, "exact_match": 1.0}
    assert squad_results(doc, ["about 12"]) == {"score": pytest.approx(2 / 3), "exact_match": 0.0}


def perturbed(row, other, *, draw):
    """Answers a model might write: right, cut, longer, dressed up, another row's, none."""
    gold, words = row["answers"]["text"][0], row["context"].split()
    start = draw.integers(len(words))
    span = " ".join(words[start : start + 1 + draw.integers(6)])
    another = other["answers"]["text"][0]
    return [gold, f"The {gold.upper()}!", f"{gold} {span}", span, gold.split()[0], another, ""]


@pytest.mark.parametrize("source", ["mini", "real"])
def test_f1_equals_the_official_scripts_on_five_hundred_rows(source, tmp_path, request):
    # lm-eval ships the official script's functions, for a task whose answers are scored as SQuAD's are.
    from lm_eval.tasks.qasper.metrics import f1_abstractive

    settings = DataSettings(train=2, dev=1, test=500)
    if source == "real":
        folder = request.getfixturevalue("shared") / "tasks"
        settings = DataSettings(source="folder", data_dir=str(folder), train=2, dev=1, test=500)
    prepare_task("squad", settings, out=tmp_path)
    rows, draw, seen = read_rows(tmp_path, "squad", split="test"), numpy_generator(0, "answers"), set()
    assert len(rows) == 500
    for row, other in zip(rows, rows[1:] + rows[:1], strict=True):
        for answer in perturbed(row, other, draw=draw):
            official = max(f1_abstractive([answer], [gold]) for gold in row["answers"]["text"])
            assert squad_results(row, [answer])["score"] == pytest.approx(official, abs=1e-12)
            seen.add(round(official, 3))
    assert {0.0, 1.0} < seen
