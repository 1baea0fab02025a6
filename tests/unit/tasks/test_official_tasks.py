"""lm-eval's own tasks over our rows: which are sound, what was changed for it, and what they score."""

import json

import pytest
from hand_made import suite, three_methods
from oracles import Oracle
from prepared import prepare_mini
from toy import toy_model, toy_tokenizer

from mazo.config import TASKS, EvaluationSettings
from mazo.data import read_rows
from mazo.evaluate import evaluate
from mazo.records import PromptScore
from mazo.stages import tables
from mazo.tables.main import with_official_scores
from mazo.tasks import load_official_tasks
from mazo.tasks.official import SOUND

WORDS = {
    "sst2": ("negative", "positive"),
    "boolq": ("no", "yes"),
    "rte": ("True", "False"),
    "multirc": ("no", "yes"),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return prepare_mini(tmp_path_factory.mktemp("rows"))


def oracle_scores(tasks, *, is_right=True):
    from lm_eval.evaluator import evaluate as lm_evaluate

    by_name = {task.config.task: task for task in tasks.values()}
    found = lm_evaluate(lm=Oracle(is_right=is_right), task_dict={"tasks": by_name}, bootstrap_iters=0)
    return {name: found["results"][task.config.task]["score,none"] for name, task in tasks.items()}


@pytest.mark.parametrize(("is_right", "score"), [(True, 1.0), (False, 0.0)])
def test_a_model_that_knows_the_gold_scores_one_on_every_sound_task_and_its_opposite_zero(rows, is_right, score):
    tasks = load_official_tasks(TASKS, rows, evaluated="test")
    assert list(tasks) == [task for task in TASKS if task in SOUND]
    assert oracle_scores(tasks, is_right=is_right) == dict.fromkeys(tasks, score)


def test_the_right_choice_says_what_the_label_means(rows):
    for name, task in load_official_tasks(TASKS, rows, evaluated="test").items():
        for row in read_rows(rows, name, split="test"):
            choice = task.doc_to_choice(row)[row["label"]]
            if name == "copa":
                wanted = row[f"choice{row['label'] + 1}"]
                assert choice == f" {wanted[0].lower()}{wanted[1:]}"
            else:
                assert choice.endswith(WORDS[name][row["label"]]), name


def test_multirc_as_it_is_shipped_has_its_answers_the_other_way_round(rows, monkeypatch):
    monkeypatch.setitem(SOUND, "multirc", ("super_glue/multirc", {}))
    task = load_official_tasks(["multirc"], rows, evaluated="test")["multirc"]
    row = read_rows(rows, "multirc", split="test")[0] | {"label": 1}
    assert task.doc_to_choice(row)[1].endswith("no")


@pytest.mark.parametrize("num_fewshot", [0, 2])
def test_both_prompts_are_scored_in_one_evaluation(rows, tmp_path, num_fewshot):
    settings = EvaluationSettings(max_new_tokens=2, num_fewshot=num_fewshot, official=True)
    chosen = ("rte", "wic", "copa")
    scores = evaluate(
        toy_model(context=2048), toy_tokenizer(), tasks=chosen, data=rows, settings=settings, seed=0, out=tmp_path
    )
    assert "official" not in scores["wic"]
    for task in ("rte", "copa"):
        own = scores[task]["official"]
        assert (own["n"], own["num_cut"]) == (12, 0)
        assert own["score"] * 12 == pytest.approx(round(own["score"] * 12))
    # Paired tests are of MeZO's prompts; the samples hold no others.
    assert {json.loads(line)["task"] for line in (tmp_path / "samples.jsonl").read_text().splitlines()} == set(chosen)


def official_records():
    """Three methods whose official score is 10 points above MeZO's prompt's on RTE, and absent on SQuAD."""
    for record in three_methods():
        rte = record.metrics["rte"]
        own = PromptScore(score=rte.score + 0.1, stderr=None, n=50, num_cut=1)
        scores = record.metrics | {"rte": rte.model_copy(update={"official": own})}
        yield record.model_copy(update={"metrics": scores})


def test_the_table_has_the_official_scores_of_the_tasks_that_have_them(tmp_path, monkeypatch):
    records = list(official_records())
    monkeypatch.setattr("mazo.stages.tables.read_outcomes", lambda *_: records)
    tables.run(suite(), results=tmp_path)
    page = (tmp_path / "tables" / "official.md").read_text()
    assert "| Method | RTE | Mean | Seeds |" in page
    assert "| mtl_zo | 80.0 ± 5.8 |" in page
    assert "RTE 50 (1 cut" in page
    assert "70.0 ± 5.8" in (tmp_path / "tables" / "main.md").read_text()


def test_records_without_official_scores_give_no_table(tmp_path, monkeypatch):
    assert all(not record.metrics for record in with_official_scores(three_methods()))
    monkeypatch.setattr("mazo.stages.tables.read_outcomes", lambda *_: three_methods())
    tables.run(suite(), results=tmp_path)
    assert not (tmp_path / "tables" / "official.md").exists()
