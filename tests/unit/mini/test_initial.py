"""The untrained embedded model: what its attention starts with."""

import torch

from mazo.mini.initial import PREVIOUS_HEADS, new_model


def attention_of(model, ids):
    model.set_attn_implementation("eager")
    with torch.no_grad():
        return model(input_ids=ids, output_attentions=True).attentions


def test_the_first_heads_look_one_token_back_more_than_anywhere_else():
    ids = torch.randint(3, 300, (4, 40), generator=torch.Generator().manual_seed(0))
    heads = attention_of(new_model(300, seed=0), ids)[0][:, :PREVIOUS_HEADS]
    back = heads.diagonal(offset=-1, dim1=2, dim2=3)
    assert back.mean() > 0.4
    assert all(back.mean() > 2 * heads.diagonal(offset=-d, dim1=2, dim2=3).mean() for d in (0, 2, 3, 4))


def test_other_heads_do_not():
    ids = torch.randint(3, 300, (4, 40), generator=torch.Generator().manual_seed(0))
    heads = attention_of(new_model(300, seed=0), ids)[0][:, PREVIOUS_HEADS:]
    assert heads.diagonal(offset=-1, dim1=2, dim2=3)[..., 5:].mean() < 0.2


def test_equal_seeds_give_equal_models_and_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    first, second, other = new_model(300, seed=1), new_model(300, seed=1), new_model(300, seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    pairs = list(zip(first.parameters(), second.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.model.embed_tokens.weight, other.model.embed_tokens.weight)
