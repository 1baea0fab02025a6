"""Gradient conflict: cosines of the tasks' gradients."""

import pytest
import torch
from toy import toy_model, toy_tokenizer

from mazo.batches import collate, encode_examples
from mazo.conflict import conflicting_pairs, cosines, effective_rank, sign_disagreement, task_gradients
from mazo.examples import Example


def batches(gold):
    tokenizer = toy_tokenizer()
    examples = [Example("rte", "choices", f"Anna saw {word}.", "\n", ("Yes", "No"), gold) for word in ("Ben", "the")]
    encoded = encode_examples(tokenizer, examples, task_index=0, max_length=64)
    return collate(encoded, pad_id=0, micro_batch=1)


def test_opposite_answers_to_the_same_prompts_conflict_and_equal_ones_agree():
    cosine = cosines(task_gradients(toy_model(), {"a": batches(0), "b": batches(1), "c": batches(0)}))
    assert cosine[0, 2].item() == pytest.approx(1.0)
    assert cosine[0, 1] < -0.9
    assert conflicting_pairs(cosine) == 2


def test_no_weight_asks_for_a_gradient_afterwards():
    model = toy_model().requires_grad_(False)
    task_gradients(model, {"a": batches(0)})
    assert not any(weight.requires_grad for weight in model.parameters())
    assert all(weight.grad is None for weight in model.parameters())


def test_cosines_are_those_of_the_angles_between_vectors():
    cosine = cosines(torch.tensor([[1.0, 0.0], [1.0, 1.0], [-1.0, 0.0]]))
    torch.testing.assert_close(cosine[0], torch.tensor([1.0, 0.5**0.5, -1.0]))


def test_signs_disagree_in_the_share_of_weights_that_both_tasks_pull():
    gradients = torch.tensor([[1.0, -2.0, 3.0, 0.0], [1.0, 2.0, -1.0, 5.0], [0.0, 0.0, 0.0, 1.0]])
    share = sign_disagreement(gradients)
    assert share[0, 1].item() == pytest.approx(2 / 3)
    assert share[0, 2] == 0  # no weight that both pull
    assert share.diagonal().tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("gram", "rank"), [(torch.ones(4, 4), 1), (torch.eye(4), 4), (torch.diag(torch.tensor([1.0, 1, 0, 0])), 2)]
)
def test_the_effective_rank_counts_equal_singular_values(gram, rank):
    assert effective_rank(gram) == pytest.approx(rank, abs=1e-4)
