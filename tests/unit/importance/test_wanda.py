import pytest
import torch
from test_score import TASKS, batches_of, examples
from toy import toy_model

from mazo.importance.wanda import input_norms, wanda_scores
from mazo.maskable import maskable_layers, maskable_weights


def inputs_one_sequence_at_a_time(model, seeds):
    """Every layer's inputs by its own tokens alone: no batch and no padding."""
    seen = {name: [] for name in maskable_layers(model)}
    handles = [
        layer.register_forward_hook(lambda layer, inputs, output, name=name: seen[name].append(inputs[0][0]))
        for name, layer in maskable_layers(model).items()
    ]
    for seed in seeds:
        for example in examples(seed):
            for sequence in example.sequences:
                model(input_ids=torch.tensor([sequence]))
    for handle in handles:
        handle.remove()
    return {name: torch.cat(rows) for name, rows in seen.items()}


def test_scores_are_size_times_the_norm_of_the_input_over_all_tokens_of_all_tasks():
    model = toy_model()
    inputs = inputs_one_sequence_at_a_time(model, (0, 1))
    scores = wanda_scores(model, TASKS)
    assert list(scores) == list(maskable_weights(model))
    for name, layer in maskable_layers(model).items():
        wanted = layer.weight.abs() * torch.linalg.vector_norm(inputs[name], dim=0)
        torch.testing.assert_close(scores[f"{name}.weight"], wanted, rtol=1e-4, atol=1e-5)


def test_micro_batches_do_not_change_the_norms_and_nothing_is_left_behind():
    model = toy_model()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    one, many = (input_norms(model, batches_of(0, micro_batch=size)) for size in (2, 100))
    for name in one:
        torch.testing.assert_close(one[name], many[name])
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())
    assert not any(layer._forward_pre_hooks for layer in maskable_layers(model).values())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_norms_of_16_bit_inputs_are_summed_in_float32(dtype):
    model = toy_model(dtype=dtype)
    scores = wanda_scores(model, TASKS)
    assert all(score.dtype == torch.float32 and score.isfinite().all() for score in scores.values())
