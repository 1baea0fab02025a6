"""What a document's answers score: the best choice by mean log-probability, F1 and exact match of a written answer."""

import re
import string
from collections import Counter
from collections.abc import Sequence

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)


def best(values: Sequence[float]) -> int:
    """Return the place of the highest value, the first of equals."""
    return max(range(len(values)), key=values.__getitem__)


def choice_results(doc: dict, results: Sequence[tuple[float, int, int]]) -> dict[str, float]:
    """Score a multiple-choice document.

    ``score`` follows MeZO (mean log-probability per token), ``acc`` and ``acc_norm`` lm-eval (sum; sum per character
    of the choice).

    :param doc: A row with ``label``.
    :param results: For each choice its log-probability, its number of tokens, and its number of characters.
    """
    sums = [result[0] for result in results]
    means = [result[0] / result[1] for result in results]
    per_character = [result[0] / result[2] for result in results]
    label = doc["label"]
    return {
        "score": float(best(means) == label),
        "acc": float(best(sums) == label),
        "acc_norm": float(best(per_character) == label),
    }


def official_results(doc: dict, results: Sequence[tuple[float, int, int]]) -> dict[str, float]:
    """Score a document of lm-eval's own tasks by its rule, ``acc``: the choice of the highest log-probability."""
    return {"score": choice_results(doc, results)["acc"]}


def squad_results(doc: dict, results: Sequence[str]) -> dict[str, float]:
    """Score a written answer against the gold answers of a row: best F1 and best exact match (SQuAD v1.1)."""
    golds = doc["answers"]["text"]
    return {
        "score": max(f1(results[0], gold) for gold in golds),
        "exact_match": max(float(normalize(results[0]) == normalize(gold)) for gold in golds),
    }


def f1(answer: str, gold: str) -> float:
    """Compute the F1 of two answers' normalised words, counted with repetition; 0 where they share none."""
    words, gold_words = normalize(answer).split(), normalize(gold).split()
    shared = sum((Counter(words) & Counter(gold_words)).values())
    return 2 * shared / (len(words) + len(gold_words)) if shared else 0.0


def normalize(answer: str) -> str:
    """Lower-case, drop punctuation, then articles, then extra white space, as SQuAD v1.1's scorer does."""
    return " ".join(ARTICLES.sub(" ", answer.lower().translate(PUNCTUATION)).split())
