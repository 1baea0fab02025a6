"""The untrained embedded model: what its attention starts with."""

import torch

from mazo.mini.initial import LOOKS, new_model


def attention_of(model, ids):
    model.set_attn_implementation("eager")
    with torch.no_grad():
        return model(input_ids=ids, output_attentions=True).attentions


def random_ids(*, rows, length):
    return torch.randint(3, 300, (rows, length), generator=torch.Generator().manual_seed(0))


def share_at(heads, back):
    return heads.diagonal(offset=-back, dim1=-2, dim2=-1)[..., 5:].mean().item()


def test_the_first_head_looks_one_token_back():
    heads = attention_of(new_model(300, seed=0), random_ids(rows=4, length=40))[0]
    assert share_at(heads[:, 0], 1) > 0.9


def test_the_second_head_blends_the_few_tokens_before():
    heads = attention_of(new_model(300, seed=0), random_ids(rows=4, length=40))[0]
    assert sum(share_at(heads[:, 1], back) for back in range(1, 6)) > 0.6
    assert share_at(heads[:, 1], 3) > share_at(heads[:, 1], 0)


def test_the_other_heads_of_the_first_layer_look_nowhere_in_particular():
    heads = attention_of(new_model(300, seed=0), random_ids(rows=4, length=40))[0][:, len(LOOKS) :]
    assert all(share_at(heads, back) < 0.2 for back in range(6))


def test_a_word_finds_what_followed_its_earlier_mention():
    ids = random_ids(rows=8, length=30)
    ids[:, -1] = ids[:, 10]
    found = attention_of(new_model(300, seed=0), ids)[1][:, 0, -1]
    assert found[:, 11].mean() > 0.5


def test_equal_seeds_give_equal_models_and_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    first, second, other = new_model(300, seed=1), new_model(300, seed=1), new_model(300, seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    pairs = list(zip(first.parameters(), second.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.model.embed_tokens.weight, other.model.embed_tokens.weight)
