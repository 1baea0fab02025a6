import pytest
import torch
from test_add_adapter import fill_b_
from torch import nn
from toy import toy_model, toy_tokenizer

from mazo.adapter_settings import MTLLora
from mazo.adapters import add_adapter_, row_tasks
from mazo.adapters.mtl_lora import MTLLoraLinear
from mazo.batches import collate, encode_example
from mazo.encoding import EncodedPair
from mazo.errors import ConfigError, ModelError
from mazo.generation import generate
from mazo.losses import example_losses

MTL = MTLLora(kind="mtl_lora", rank=2, alpha=6.0, num_up=2, temperature=0.5)
IDS = torch.arange(1, 25).reshape(2, 12)


def adapted(*, dtype=torch.float32, filled=True, num_tasks=3):
    model = toy_model(dtype=dtype)
    factors = add_adapter_(model, MTL, num_tasks=num_tasks, run_seed=1)
    if filled:
        fill_b_(factors)
        fill_b_({name.replace("lora_lambda", "lora_B"): weight for name, weight in factors.items()}, scale=1.0)
    return model, factors


def logits(model, tasks, ids=IDS):
    with row_tasks(torch.tensor(tasks)):
        return model(input_ids=ids).logits


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_fresh_factors_leave_the_logits_exactly_for_every_task(dtype):
    model, factors = adapted(dtype=dtype, filled=False)
    assert torch.equal(logits(model, [0, 2]), toy_model(dtype=dtype)(input_ids=IDS).logits)
    shapes = {name.rpartition("q_proj.")[2]: tuple(w.shape) for name, w in factors.items() if "q_proj" in name}
    wanted = {"lora_A": (2, 16), "lora_lambda": (3, 2, 2), "lora_B": (2, 16, 2), "lora_w": (3, 2)}
    assert {name.split("q_proj.")[-1]: shape for name, shape in shapes.items()} == wanted
    assert {w.dtype for w in factors.values()} == {torch.float32}
    assert all((w == torch.eye(2)).all() for name, w in factors.items() if "lambda" in name)
    assert len({w.flatten()[0].item() for name, w in factors.items() if "lora_w" in name}) == 2 * 7


def test_a_layer_worked_by_hand():
    """W = 0, x = (1, 1), A x = (3, 1). Task 1: Lambda swaps the two, and B = B_1 / 4 + 3 B_2 / 4."""
    base = nn.Linear(2, 1, bias=False).requires_grad_(False)
    base.weight.zero_()
    layer = MTLLoraLinear(base, num_tasks=2, settings=MTL).requires_grad_(False)
    layer.lora_A.copy_(torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
    layer.lora_lambda[1] = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    layer.lora_B.copy_(torch.tensor([[[4.0, 8.0]], [[0.0, 4.0]]]))
    layer.lora_w[1] = torch.tensor([0.0, 0.5 * torch.log(torch.tensor(3.0))])
    x = torch.tensor([[[1.0, 1.0]], [[1.0, 1.0]]])
    with row_tasks(torch.tensor([0, 1])):
        found = layer(x).flatten().tolist()
    # alpha / r = 3. Task 0: B = (2, 6), 3 (2 * 3 + 6 * 1) = 36. Task 1: B = (1, 5), 3 (1 * 1 + 5 * 3) = 48.
    assert found == pytest.approx([36.0, 48.0], rel=1e-6)


def test_each_row_of_a_mixed_batch_takes_its_own_tasks_factors():
    model, _ = adapted()
    mixed = logits(model, [2, 0])
    for row, task in enumerate([2, 0]):
        torch.testing.assert_close(
            mixed[row : row + 1], logits(model, [task], IDS[row : row + 1]), rtol=1e-5, atol=1e-5
        )
    assert (mixed - logits(model, [0, 0])).abs().amax(dim=(1, 2))[0] > 1e-3


def test_the_losses_of_a_mixed_micro_batch_are_those_of_each_task_alone():
    """Examples of several sequences, collated in another order than given."""
    model, _ = adapted()
    examples = [
        encode_example(
            [EncodedPair([5] * length, [7, 9], 0), EncodedPair([5] * length, [8, 11, 12], 0)],
            task=task,
            is_choice=True,
            gold=0,
        )
        for length, task in ((9, 1), (4, 2), (6, 0))
    ]
    (batch,) = collate(examples, pad_id=2, micro_batch=100)
    assert batch.row_task.tolist() == [2, 2, 0, 0, 1, 1]
    mixed = dict(zip(batch.task.tolist(), example_losses(model, batch).tolist(), strict=True))
    for example in examples:
        (own,) = collate([example], pad_id=2, micro_batch=100)
        assert example_losses(model, own).item() == pytest.approx(mixed[example.task], rel=1e-5)
    assert len({round(loss, 3) for loss in mixed.values()}) == 3


def test_each_prompt_is_continued_with_its_own_tasks_factors():
    model, _ = adapted()
    tokenizer, prompts = toy_tokenizer(), [[1, 40, 41], [1, 40, 41], [1, 60]]

    def answers(prompts, tasks):
        with row_tasks(torch.tensor(tasks)):
            return generate(model, tokenizer, prompts=prompts, max_new_tokens=8, stop=[])

    mixed = answers(prompts, [0, 1, 2])
    assert mixed == [answers([prompt], [task])[0] for task, prompt in enumerate(prompts)]
    assert mixed[0] != mixed[1]


def test_a_forward_without_the_rows_tasks_or_with_those_of_others_is_refused():
    model, _ = adapted()
    with pytest.raises(ModelError, match=r"wanted the tasks of 2 rows .*; found none"):
        model(input_ids=IDS)
    with pytest.raises(ModelError, match=r"wanted the tasks of 2 rows .*; found those of 3"):
        logits(model, [0, 1, 2])


def test_a_rank_above_a_layers_inputs_is_refused():
    with pytest.raises(ConfigError, match=r"adapter.rank: wanted at most 16"):
        add_adapter_(toy_model(width=16), MTL.model_copy(update={"rank": 17}), num_tasks=2, run_seed=1)
