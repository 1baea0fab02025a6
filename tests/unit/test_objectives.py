import json

import pytest
import torch
from hand_made import suite
from torch import nn
from toy import toy_model, toy_tokenizer

from mazo.config import DataSettings, EvaluationSettings, ModelSettings, Run
from mazo.data import prepare_task
from mazo.errors import ConfigError
from mazo.evaluate import evaluate
from mazo.models import context_length, load_model
from mazo.objectives import ScoredRows, metric_losses
from mazo.tasks import load_tasks
from mazo.train import train, trained_model
from mazo.zeroth_order import ZerothOrderOptimizer, read_log

TASKS = ["rte", "copa", "squad"]
METRIC = {"kind": "zeroth_order", "lr": 1e-4, "objective": "metric", "eps": 0.1}
DATA = DataSettings(train=12, dev=4, test=4)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A folder with three tasks' rows and a toy model: answered by choice, by choice with another loss, in writing."""
    folder = tmp_path_factory.mktemp("house")
    toy_model().save_pretrained(folder / "model")
    toy_tokenizer([" Yes", " No"]).save_pretrained(folder / "model")
    for task in TASKS:
        prepare_task(task, DATA, out=folder / "data")
    return folder


def scored_rows(model, tokenizer, *, micro_batch=5, max_new_tokens=6):
    return ScoredRows(
        tokenizer,
        max_length=context_length(model),
        max_new_tokens=max_new_tokens,
        micro_batch=micro_batch,
        device="cpu",
    )


def all_rows(encoded):
    return [example for examples in encoded.values() for example in examples]


@pytest.mark.parametrize("micro_batch", [1, 5, 64])
def test_the_value_is_one_minus_what_lm_eval_scores_on_the_same_rows(house, tmp_path, micro_batch):
    model, tokenizer = load_model(ModelSettings(path="embedded:llama"))
    rows = scored_rows(model, tokenizer, micro_batch=micro_batch)
    encoded = rows.encode(load_tasks(TASKS, house / "data"))
    losses = metric_losses(model, rows.batch(all_rows(encoded)), num_tasks=3)
    settings = EvaluationSettings(batch_size=64, max_new_tokens=6)
    found = evaluate(
        model, tokenizer, tasks=TASKS, data=house / "data", settings=settings, seed=0, split="train", out=tmp_path
    )
    assert losses.tolist() == pytest.approx([1 - found[task]["score"] for task in TASKS], abs=1e-6)


def test_equal_choices_count_as_the_first_as_in_evaluation(house):
    model, tokenizer = toy_model(), toy_tokenizer([" Yes", " No"])
    model.get_output_embeddings().weight.zero_()
    rows = scored_rows(model, tokenizer)
    encoded = rows.encode({"rte": load_tasks(["rte"], house / "data")["rte"]})["rte"]
    [loss] = metric_losses(model, rows.batch(encoded), num_tasks=1).tolist()
    assert loss == pytest.approx(sum(example.gold != 0 for example in encoded) / len(encoded))
    assert 0 < loss < 1


def test_a_written_answer_scores_its_best_f1_over_the_golds(house):
    model, tokenizer = toy_model(), toy_tokenizer()
    rows = scored_rows(model, tokenizer)
    [*examples] = rows.encode(load_tasks(["squad"], house / "data"))["squad"]
    gold = load_tasks(["squad"], house / "data")["squad"].dataset["train"][0]["answers"]["text"][0]
    assert examples[0].score(gold) == 1.0
    assert examples[0].score(f"{gold} xyzzy") < 1.0
    assert examples[0].score("xyzzy") == 0.0


def test_answers_that_leave_a_prompt_no_room_are_refused():
    model, tokenizer = toy_model(), toy_tokenizer()
    with pytest.raises(ConfigError, match=r"evaluation\.max_new_tokens: wanted fewer than the model's context"):
        scored_rows(model, tokenizer, max_new_tokens=511)


def make_run(folder, method) -> Run:
    return Run.model_validate(
        {
            "suite": "test",
            "model_name": "toy",
            "model": {"path": str(folder / "model")},
            "mix": "three",
            "tasks": TASKS,
            "tested": TASKS,
            "method_name": "method",
            "method": method,
            "seed": 3,
            "data": DATA.model_dump(),
            "training": {"num_steps": 4, "batch_per_task": 3, "dev_every": 4, "dev_examples": 2},
            "evaluation": {"max_new_tokens": 4},
        }
    )


def test_a_run_by_metric_is_rebuilt_from_its_log_and_its_slopes_go_in_steps(house, tmp_path):
    run = make_run(house, METRIC)
    train(run, data=house / "data", mask=None, out=tmp_path)
    trained_model(run, mask=None, out=tmp_path)  # checks the checksum that training recorded
    log = read_log(tmp_path / "steps.log")
    assert log.header["objective"] == "metric"
    choices = log.projected_grads[:, 0, :2]
    assert choices.abs().max() > 0
    steps = choices * 2 * METRIC["eps"] * 3  # a slope is a multiple of 1 / (2 n eps), n examples a task
    assert torch.allclose(steps, steps.round(), atol=1e-4)


def test_where_no_answer_changes_the_slopes_are_zero_and_no_weight_moves(house, tmp_path):
    run = make_run(house, METRIC | {"eps": 1e-9, "lr": 1.0})
    train(run, data=house / "data", mask=None, out=tmp_path)
    about = json.loads((tmp_path / "train.json").read_text())
    assert about["idle_steps"] == 4
    assert about["checksum"] == about["base_checksum"]
    assert not read_log(tmp_path / "steps.log").projected_grads.any()


def test_accuracy_alone_teaches_a_linear_classifier():
    generator = torch.Generator().manual_seed(0)
    inputs, truth = torch.randn(300, 6, generator=generator), torch.randn(6, generator=generator)
    weights = nn.Parameter(torch.randn(6, generator=generator), requires_grad=False)

    def errors() -> torch.Tensor:
        return ((inputs @ weights > 0) != (inputs @ truth > 0)).float().mean()[None]

    engine = ZerothOrderOptimizer([("weights", weights)], lr=0.3, run_seed=0, eps=0.1)
    before = errors().item()
    for _ in range(300):
        engine.step(errors)
    assert errors().item() < 0.1 < 0.3 < before


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (METRIC | {"objective": "accuracy"}, r"methods\.m\.objective: Input should be 'loss' or 'metric'"),
        ({"kind": "first_order", "lr": 1e-3, "objective": "metric"}, r"methods\.m\.objective: unknown key"),
    ],
    ids=["unknown", "first order"],
)
def test_an_objective_that_cannot_be_is_refused_with_what_can(method, message):
    with pytest.raises(ConfigError, match=message):
        suite(methods={"m": method})
