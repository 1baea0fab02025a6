import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from oracles import Oracle, answer_f1, choice_means, greedy_answer, split_delimiter
from prepared import prepare_mini, prepare_real
from toy import toy_model, toy_tokenizer

from mazo.config import TASKS, EvaluationSettings, ModelSettings
from mazo.data import read_rows
from mazo.errors import DataError
from mazo.evaluate import evaluate, standard_error
from mazo.examples import build_examples
from mazo.models import load_model
from mazo.tasks import demonstrations, load_tasks

SETTINGS = EvaluationSettings(batch_size=16, max_new_tokens=5)


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    return prepare_mini(tmp_path_factory.mktemp("mini"))


@pytest.fixture(scope="module")
def real(tmp_path_factory, shared):
    return prepare_real(tmp_path_factory.mktemp("real"), shared)


@pytest.fixture(scope="module")
def toy():
    return toy_model(), toy_tokenizer(["Yes", "No"])


@pytest.fixture(scope="module")
def stories(shared):
    return load_model(ModelSettings(path=str(shared / "models" / "stories260K")))


def run(model_and_tokenizer, data, out, *, tasks=TASKS, settings=SETTINGS, seed=0, split="test"):
    model, tokenizer = model_and_tokenizer
    return evaluate(model, tokenizer, tasks=tasks, data=data, settings=settings, seed=seed, split=split, out=out)


def samples_of(out):
    return [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]


def check_every_decision(model, tokenizer, *, data, out):
    """Compare every answer and score in samples.jsonl with the independent scorers'."""
    run((model, tokenizer), data, out)
    tasks = load_tasks(TASKS, data, evaluated="test")
    examples = {name: build_examples(task, name, split="test") for name, task in tasks.items()}
    seen = 0
    for sample in samples_of(out):
        example = examples[sample["task"]][sample["doc_id"]]
        if sample["task"] == "squad":
            golds = tasks["squad"].dataset["test"][sample["doc_id"]]["answers"]["text"]
            answer = greedy_answer(model, tokenizer, example.context, max_new_tokens=SETTINGS.max_new_tokens)
            assert sample["response"] == answer
            assert sample["score"] == pytest.approx(max(answer_f1(answer, gold) for gold in golds))
        else:
            means = choice_means(
                model, tokenizer, *split_delimiter(example.context, example.delimiter, example.choices)
            )
            assert sample["response"] == pytest.approx(means, abs=2e-5)
            assert sample["score"] == float(means.index(max(means)) == example.gold)
        seen += 1
    assert seen == sum(len(rows) for rows in examples.values())


def test_every_decision_equals_our_own_scorers_on_mini_rows(toy, mini, tmp_path):
    check_every_decision(*toy, data=mini, out=tmp_path)


def test_every_decision_equals_our_own_scorers_on_real_rows_cut_ones_included(stories, real, tmp_path):
    check_every_decision(*stories, data=real, out=tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())["tasks"]["boolq"]["num_cut"] > 0


@pytest.mark.parametrize("name", ["llama", "mistral"])
def test_every_decision_of_an_embedded_model_equals_our_own_scorers(name, mini, tmp_path):
    check_every_decision(*load_model(ModelSettings(path=f"embedded:{name}")), data=mini, out=tmp_path)


@pytest.mark.parametrize("name", ["llama", "mistral"])
def test_every_decision_equals_our_own_scorers_on_all_mini_rows(all_rows, name, tmp_path):
    data = prepare_mini(tmp_path / "data", test=1_000)
    check_every_decision(*load_model(ModelSettings(path=f"embedded:{name}")), data=data, out=tmp_path)


@pytest.mark.parametrize("rows", ["mini", "real"])
@pytest.mark.parametrize(("is_right", "score"), [(True, 1.0), (False, 0.0)])
def test_a_model_that_knows_the_gold_scores_one_on_every_task_and_its_opposite_zero(rows, is_right, score, request):
    from lm_eval.evaluator import evaluate as lm_evaluate

    tasks = load_tasks(TASKS, request.getfixturevalue(rows), evaluated="test")
    by_name = {task.config.task: task for task in tasks.values()}
    found = lm_evaluate(lm=Oracle(is_right=is_right), task_dict={"tasks": by_name}, bootstrap_iters=0)
    assert {name: found["results"][name]["score,none"] for name in by_name} == dict.fromkeys(by_name, score)


def test_the_results_hold_every_metric_and_their_mean(toy, mini, tmp_path):
    scores = run(toy, mini, tmp_path)
    results = json.loads((tmp_path / "results.json").read_text())
    assert set(scores) == set(results["tasks"]) == set(TASKS)
    assert all(set(score) == {"score", "stderr", "n", "num_cut"} for score in scores.values())
    assert all(results["tasks"][task].items() >= scores[task].items() for task in TASKS)
    assert {"acc", "acc_norm"} <= set(results["tasks"]["rte"])
    assert "exact_match" in results["tasks"]["squad"]
    assert results["mean_score"] == pytest.approx(sum(score["score"] for score in scores.values()) / 8)
    assert (results["split"], results["num_fewshot"]) == ("test", 0)


def test_each_score_is_the_mean_of_its_samples(toy, mini, tmp_path):
    scores = run(toy, mini, tmp_path)
    for task in TASKS:
        values = [sample["score"] for sample in samples_of(tmp_path) if sample["task"] == task]
        assert len(values) == scores[task]["n"] == 12
        assert scores[task]["score"] == pytest.approx(sum(values) / 12)
        assert scores[task]["stderr"] == pytest.approx(np.std(values, ddof=1) / math.sqrt(12))


def test_a_sample_holds_what_a_paired_test_joins_on(toy, mini, tmp_path):
    run(toy, mini, tmp_path, tasks=("rte", "squad"))
    samples = samples_of(tmp_path)
    keys = {"task", "doc_id", "doc_hash", "prompt_hash", "target", "response", "score"}
    assert all(set(sample) == keys for sample in samples)
    assert [(sample["task"], sample["doc_id"]) for sample in samples] == [
        (task, i) for task in ("rte", "squad") for i in range(12)
    ]
    assert len({(sample["task"], sample["doc_hash"]) for sample in samples}) == 24


def test_equal_runs_leave_equal_bytes(toy, mini, tmp_path):
    for name in ("a", "b"):
        run(toy, mini, tmp_path / name)
    for file in ("results.json", "samples.jsonl"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
        assert str(tmp_path) not in (tmp_path / "a" / file).read_text()


UNMOVED = """
import random, sys
from pathlib import Path
import numpy as np, torch
sys.path.insert(0, {tests!r})
from toy import toy_model, toy_tokenizer
from mazo.config import EvaluationSettings
from mazo.evaluate import evaluate

def states():
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()

model, tokenizer, before = toy_model(), toy_tokenizer(), states()
settings = EvaluationSettings(num_fewshot=2, max_new_tokens=3)
data, out = Path({data!r}), Path({out!r})
evaluate(model, tokenizer, tasks=("rte", "squad"), data=data, settings=settings, seed=0, out=out)
sys.exit(0 if states() == before else "moved")
"""


def test_no_random_generator_is_moved(mini, tmp_path):
    # In a process of its own, since the run-time type checks of these tests draw from Python's generator.
    program = UNMOVED.format(tests=str(Path(__file__).parents[1]), data=str(mini), out=str(tmp_path))
    assert subprocess.run([sys.executable, "-c", program], check=False, stderr=subprocess.DEVNULL).returncode == 0


def test_the_split_asked_for_is_the_one_scored(toy, mini, tmp_path):
    assert run(toy, mini, tmp_path, tasks=("rte",), split="dev")["rte"]["n"] == 6
    dev = [row["label"] for row in read_rows(mini, "rte", split="dev")]
    assert [sample["target"] for sample in samples_of(tmp_path)] == dev


def test_demonstrations_are_train_rows_with_their_gold_the_same_for_every_document(mini):
    task = load_tasks(["rte"], mini, evaluated="test", num_fewshot=2, seed=5)["rte"]
    task.build_all_requests(limit=None)
    train = build_examples(task, "rte", split="train")
    solved = [f"{e.context}{e.delimiter}{e.choices[e.gold]}\n\n" for e in train]
    shown = demonstrations(task)
    assert len(shown) == 2
    assert set(shown) <= set(solved)
    tests = build_examples(task, "rte", split="test")
    asked = [request.args for request in task.instances if request.idx == 0]
    assert asked == [("".join(shown) + e.context, "\nYes") for e in tests]


def test_a_written_out_prompt_with_two_demonstrations(tmp_path):
    for split, facts in {"train": [("one", 1), ("two", 0)], "dev": [("three", 1)], "test": [("four", 0)]}.items():
        rows = [{"sentence": f"film {name}", "label": label} for name, label in facts]
        file = tmp_path / "sst2" / f"{split}.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = load_tasks(["sst2"], tmp_path, evaluated="test", num_fewshot=2)["sst2"]
    task.build_all_requests(limit=None)
    prompts = {request.args for request in task.instances}
    one, two = "film one It was great\n\n", "film two It was terrible\n\n"
    assert prompts in (
        {(one + two + "film four It was", " terrible"), (one + two + "film four It was", " great")},
        {(two + one + "film four It was", " terrible"), (two + one + "film four It was", " great")},
    )


def test_demonstrations_depend_on_the_seed(mini):
    def shown(seed):
        return demonstrations(load_tasks(["rte"], mini, num_fewshot=3, seed=seed)["rte"])

    assert shown(0) == shown(0)
    assert len({tuple(shown(seed)) for seed in range(4)}) > 1


@pytest.mark.parametrize("task", TASKS)
def test_every_task_can_be_scored_with_demonstrations(toy, mini, tmp_path, task):
    settings = SETTINGS.model_copy(update={"num_fewshot": 2})
    scores = run(toy, mini, tmp_path, tasks=(task,), settings=settings)
    assert scores[task]["n"] == 12
    assert json.loads((tmp_path / "results.json").read_text())["num_fewshot"] == 2


def test_demonstrations_from_the_scored_rows_are_refused(toy, mini, tmp_path):
    with pytest.raises(DataError, match="split: wanted dev or test"):
        run(toy, mini, tmp_path, settings=SETTINGS.model_copy(update={"num_fewshot": 1}), split="train")


def test_more_demonstrations_than_train_rows_are_refused(toy, mini, tmp_path):
    with pytest.raises(DataError, match="wanted 13 training rows as demonstrations; found 12"):
        run(toy, mini, tmp_path, settings=SETTINGS.model_copy(update={"num_fewshot": 13}))


def test_the_standard_error_of_one_value_is_not_known():
    assert standard_error([1.0]) is None
    assert standard_error([0.0, 1.0]) == pytest.approx(0.5)
