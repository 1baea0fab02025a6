"""The tasks' gradients inside and outside a mask."""

import pytest
import torch
from test_conflict import batches
from toy import toy_model

from mazo.conflict import effective_rank, task_gradients
from mazo.controls import control_mask
from mazo.maskable import maskable_weights
from mazo.probe import describe_scope, first_order_rank, mask_scopes, scope_gradients, zeroth_order_gram


@pytest.fixture
def model():
    return toy_model()


@pytest.fixture
def mask(model):
    return control_mask(maskable_weights(model), rule="random", density=0.25, seed=0, layer=None)


def test_kept_and_frozen_weights_are_those_that_the_mask_covers_and_share_none(model, mask):
    scopes = mask_scopes(model, mask, seed=0)
    covered = {name: weight.numel() for name, weight in maskable_weights(model).items()}
    assert scopes["all"].size == sum(weight.numel() for weight in model.parameters())
    assert scopes["kept"].size + scopes["frozen"].size == sum(covered.values())
    for name, size in covered.items():
        both = torch.cat([scopes["kept"].places[name], scopes["frozen"].places[name]])
        assert both.unique().numel() == size


def test_of_a_large_scope_as_many_weights_as_the_limit_are_looked_at_and_the_size_is_told(model, mask):
    scope = mask_scopes(model, mask, seed=0, limit=100)["frozen"]
    assert scope.size > 1000
    assert sum(map(len, scope.places.values())) == pytest.approx(100, abs=10)


def test_a_scope_holds_its_weights_of_the_gradient(model, mask):
    parts = {"a": [batches(0), batches(1)], "b": [batches(1), batches(1)]}
    scopes = mask_scopes(model, mask, seed=0)
    found = scope_gradients(model, parts, scopes)
    whole = task_gradients(model, {"x": batches(1)})[0]
    torch.testing.assert_close(found["all"][1, 0], whole)
    assert {name: own.shape for name, own in found.items()} == {n: (2, 2, s.size) for n, s in scopes.items()}
    assert not any(weight.requires_grad for weight in model.parameters())


def test_zeroth_order_gradients_span_a_line_a_direction_and_leave_the_weights_as_they_were(model, mask):
    before = [weight.clone() for weight in model.parameters()]
    parts = {"a": batches(0), "b": batches(1), "c": [*batches(0), *batches(1)]}
    ranks = [
        effective_rank(zeroth_order_gram(model, parts, mask=mask, num_directions=q, eps=1e-3, seed=0)) for q in (1, 2)
    ]
    assert ranks[0] == pytest.approx(1, abs=1e-4)
    assert 1 < ranks[1] < 2.01
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


def test_opposite_tasks_conflict_in_every_scope(model, mask):
    parts = {"a": [batches(0), batches(0)], "b": [batches(1), batches(1)]}
    for name, gradients in scope_gradients(model, parts, mask_scopes(model, mask, seed=0)).items():
        found = describe_scope(gradients, size=gradients.shape[-1])
        assert found["cosines"][0][1] < 0, name
        assert found["sign_disagreement"][0][1] > 0.5, name
        assert found["variance_alone"][0] == pytest.approx(gradients.shape[-1] + 1, rel=1e-3)
        assert first_order_rank(gradients) < 2
