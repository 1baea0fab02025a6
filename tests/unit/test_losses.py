import math

import pytest
import torch
from oracles import choice_means, split_delimiter
from toy import toy_model, toy_tokenizer
from transformers import CohereConfig, Gemma2Config, GPT2Config, GraniteConfig, MistralConfig, OPTConfig, Qwen2Config

from mazo.batches import collate, encode_examples
from mazo.errors import ModelError
from mazo.examples import Example
from mazo.losses import choice_scores, example_losses, needed_logits, task_losses

SIZES = {"vocab_size": 320, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
ROTARY = SIZES | {"intermediate_size": 32, "num_key_value_heads": 2, "initializer_range": 0.3, "pad_token_id": 2}
CONFIGS = {
    "llama": None,
    "mistral": MistralConfig(**ROTARY, sliding_window=8),
    "qwen2": Qwen2Config(**ROTARY),
    "opt": OPTConfig(**SIZES, ffn_dim=32, word_embed_proj_dim=16, init_std=0.3, pad_token_id=2),
    "opt, projected": OPTConfig(**SIZES, ffn_dim=32, word_embed_proj_dim=8, init_std=0.3, do_layer_norm_before=False),
    "gpt2": GPT2Config(vocab_size=320, n_embd=16, n_layer=2, n_head=2, initializer_range=0.3),
    "gemma2, soft cap": Gemma2Config(**ROTARY, head_dim=8, final_logit_softcapping=2.0, sliding_window=8),
    "cohere, scale": CohereConfig(**ROTARY, logit_scale=0.25),
    "granite, scaling": GraniteConfig(**ROTARY, logits_scaling=4.0),
}
EXAMPLES = [
    Example("a", "choices", "It rains", "\n", ("Yes", "No"), 0),
    Example("a", "choices", "It was", " ", ("terrible", "great"), 1),
    Example("b", "choices", "A long question, far longer than the others", "\n", ("Yes", "Nope", "Maybe"), 2),
    Example("c", "target", "They left because", " ", ("it rained.", "I slept."), 1),
    Example("c", "target", "Answer:", " ", ("19 km",), 0),
]
TASKS = ("a", "b", "c")


def encode(tokenizer, examples=EXAMPLES, **kwargs):
    return [
        row
        for example in examples
        for row in encode_examples(tokenizer, [example], task_index=TASKS.index(example.task), max_length=512)
    ]


def batches_of(tokenizer, examples=EXAMPLES, *, micro_batch=64):
    return collate(encode(tokenizer, examples), pad_id=2, micro_batch=micro_batch)


def expected_loss(model, tokenizer, example):
    means = choice_means(model, tokenizer, *split_delimiter(example.context, example.delimiter, example.choices))
    if example.loss == "target":
        return -means[example.gold]
    return math.log(sum(map(math.exp, means))) - means[example.gold]


@pytest.mark.parametrize("words", [(), ("Yes", "No", " great", " terrible")], ids=["bytes", "words"])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_each_tasks_loss_equals_the_one_from_the_models_own_full_logits(config, words):
    model, tokenizer = toy_model(config=config), toy_tokenizer(words)
    losses = task_losses(model, batches_of(tokenizer), num_tasks=3)
    expected = [expected_loss(model, tokenizer, example) for example in EXAMPLES]
    assert losses.tolist() == pytest.approx([sum(expected[:2]) / 2, expected[2], sum(expected[3:]) / 2], rel=1e-5)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_the_needed_logits_equal_the_models_at_those_places(config):
    model = toy_model(config=config)
    [batch] = batches_of(toy_tokenizer())
    full = model(input_ids=batch.input_ids).logits.reshape(-1, 320)
    assert torch.allclose(needed_logits(model, batch), full[batch.places], atol=1e-5)


@pytest.mark.parametrize("micro_batch", [1, 2, 3])
def test_the_losses_do_not_depend_on_the_micro_batch(micro_batch):
    model, tokenizer = toy_model(), toy_tokenizer()
    whole = task_losses(model, batches_of(tokenizer), num_tasks=3)
    parts = task_losses(model, batches_of(tokenizer, micro_batch=micro_batch), num_tasks=3)
    assert torch.allclose(whole, parts, rtol=1e-6)


def test_the_order_of_the_examples_changes_nothing():
    model, tokenizer = toy_model(), toy_tokenizer()
    turned = batches_of(tokenizer, EXAMPLES[::-1])
    assert torch.allclose(
        task_losses(model, batches_of(tokenizer), num_tasks=3), task_losses(model, turned, num_tasks=3), rtol=1e-6
    )


def test_only_the_places_that_predict_an_answer_reach_the_head():
    model, tokenizer = toy_model(), toy_tokenizer(["Yes", "No"])
    seen = []
    model.lm_head.register_forward_hook(lambda module, inputs, output: seen.append(tuple(inputs[0].shape)))
    task_losses(model, batches_of(tokenizer, EXAMPLES[:1]), num_tasks=1)
    assert seen == [(1, 16)]


def test_padding_is_never_read():
    model, tokenizer = toy_model(), toy_tokenizer()
    rows = encode(tokenizer)
    losses = [task_losses(model, collate(rows, pad_id=pad, micro_batch=64), num_tasks=3) for pad in (2, 200)]
    assert torch.equal(*losses)


def test_equal_calls_give_equal_bits():
    model, tokenizer = toy_model(), toy_tokenizer()
    batches = batches_of(tokenizer)
    assert torch.equal(task_losses(model, batches, num_tasks=3), task_losses(model, batches, num_tasks=3))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_16_bit_models_losses_are_float32_and_keep_their_digits(dtype):
    model = toy_model(dtype=dtype)
    losses = task_losses(model, batches_of(toy_tokenizer()), num_tasks=3)
    assert losses.dtype == torch.float32
    assert not torch.equal(losses, losses.to(dtype).float())


def test_the_gradient_of_a_task_equals_autograds_through_the_full_logits():
    model, tokenizer = toy_model(), toy_tokenizer()
    model.requires_grad_(True)
    weight = model.model.layers[0].mlp.down_proj.weight
    [mine] = torch.autograd.grad(task_losses(model, batches_of(tokenizer), num_tasks=3)[1], weight)
    means = []
    for choice in EXAMPLES[2].choices:
        size = len(choice)
        ids = torch.tensor([tokenizer(f"{EXAMPLES[2].context}\n{choice}")["input_ids"]])
        log_probabilities = model(input_ids=ids).logits[0].log_softmax(-1)
        means.append(log_probabilities[-1 - size : -1].gather(1, ids[0, -size:, None]).mean())
    loss = torch.stack(means).logsumexp(0) - means[2]
    [expected] = torch.autograd.grad(loss, weight)
    assert torch.allclose(mine, expected, atol=1e-6)


def test_a_task_without_examples_has_no_loss_and_the_others_keep_theirs():
    losses = task_losses(toy_model(), batches_of(toy_tokenizer(), EXAMPLES[:2]), num_tasks=2)
    assert losses[0].isfinite()
    assert losses[1].isnan()


def test_a_scale_of_the_logits_that_is_not_known_here_is_refused():
    model = toy_model()
    model.config.lm_head_multiplier = 0.5
    with pytest.raises(ModelError, match="lm_head_multiplier"):
        choice_scores(model, batches_of(toy_tokenizer())[0])


def test_example_losses_add_up_to_the_tasks_mean():
    model = toy_model()
    [batch] = batches_of(toy_tokenizer(), EXAMPLES[:2])
    assert example_losses(model, batch).mean() == pytest.approx(task_losses(model, [batch], num_tasks=1).item())
