"""The untrained embedded model: what its attention starts with."""

import pytest
import torch

from mazo.mini.initial import LOOKS, WINDOW, new_model

ARCHITECTURES = pytest.mark.parametrize("architecture", ["llama", "mistral"])
HEADS_A_KEY = {"llama": 1, "mistral": 2}


def attention_of(model, ids):
    model.set_attn_implementation("eager")
    with torch.no_grad():
        return model(input_ids=ids, output_attentions=True).attentions


def random_ids(*, rows, length):
    return torch.randint(3, 300, (rows, length), generator=torch.Generator().manual_seed(0))


def share_at(heads, back):
    return heads.diagonal(offset=-back, dim1=-2, dim2=-1)[..., 5:].mean().item()


@ARCHITECTURES
def test_the_first_head_looks_one_token_back(architecture):
    heads = attention_of(new_model(300, seed=0, architecture=architecture), random_ids(rows=4, length=40))[0]
    assert share_at(heads[:, 0], 1) > 0.85


@ARCHITECTURES
def test_the_next_keys_first_head_blends_the_few_tokens_before(architecture):
    heads = attention_of(new_model(300, seed=0, architecture=architecture), random_ids(rows=4, length=40))[0]
    looking = heads[:, HEADS_A_KEY[architecture]]
    assert sum(share_at(looking, back) for back in range(1, 6)) > 0.6
    assert share_at(looking, 3) > share_at(looking, 0)


def test_the_other_heads_of_the_first_layer_look_nowhere_in_particular():
    heads = attention_of(new_model(300, seed=0), random_ids(rows=4, length=40))[0][:, len(LOOKS) :]
    assert all(share_at(heads, back) < 0.2 for back in range(6))


@ARCHITECTURES
def test_a_word_finds_what_followed_its_earlier_mention(architecture):
    ids = random_ids(rows=8, length=30)
    ids[:, -1] = ids[:, 10]
    found = attention_of(new_model(300, seed=0, architecture=architecture), ids)[1][:, 0, -1]
    assert found[:, 11].mean() > 0.5


def test_the_second_architecture_sees_no_farther_than_its_window():
    heads = attention_of(new_model(300, seed=0, architecture="mistral"), random_ids(rows=1, length=WINDOW + 20))
    last = torch.stack([layer[0, :, -1] for layer in heads])
    assert last[..., :20].eq(0).all()
    assert last[..., 20:].gt(0).all()


def test_equal_seeds_give_equal_models_and_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    first, second, other = new_model(300, seed=1), new_model(300, seed=1), new_model(300, seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    pairs = list(zip(first.parameters(), second.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.model.embed_tokens.weight, other.model.embed_tokens.weight)
