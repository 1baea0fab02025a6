"""The families that the paper and its field use, random and tiny: loaded, scored, masked, trained, evaluated."""

import json

import pytest
import torch
from oracles import choice_means
from prepared import prepare_mini
from tokenizers.pre_tokenizers import ByteLevel
from toy import toy_model, toy_tokenizer
from transformers import (
    Gemma2Config,
    GemmaConfig,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    Qwen2Config,
    Qwen2Tokenizer,
    Qwen3Config,
)

from mazo.batches import collate, encode_example
from mazo.config import ModelSettings, select_run
from mazo.configfile import parse_suite
from mazo.encoding import encode_pair
from mazo.losses import choice_scores
from mazo.maskable import maskable_weights
from mazo.models import context_length, load_model
from mazo.stages import evaluate, mask, score, train

SHAPE = {
    "vocab_size": 320,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "max_position_embeddings": 600,
    "initializer_range": 0.3,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": None,
}
OPT = {key: SHAPE[key] for key in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")}
OPT |= {"ffn_dim": 32, "max_position_embeddings": 600, "init_std": 0.3, "word_embed_proj_dim": 16}
GATED = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PLAIN = ("k_proj", "v_proj", "q_proj", "out_proj", "fc1", "fc2")
# Configuration, the layers a mask covers in a block, and whether the family's tokenizer begins a text with BOS.
FAMILIES = {
    "llama": (LlamaConfig(**SHAPE), GATED, True),
    "mistral": (MistralConfig(**SHAPE, sliding_window=8), GATED, True),
    "opt": (OPTConfig(**OPT), PLAIN, True),
    "qwen2": (Qwen2Config(**{k: v for k, v in SHAPE.items() if k != "head_dim"}), GATED, False),
    "qwen3": (Qwen3Config(**SHAPE), GATED, False),
    "gemma": (GemmaConfig(**SHAPE), GATED, True),
    "gemma2": (Gemma2Config(**SHAPE, query_pre_attn_scalar=8, sliding_window=8), GATED, True),
}
SMALL = {
    "seeds": [0],
    "mixes": {"two": ["rte", "squad"]},
    "training": {"num_steps": 2, "batch_per_task": 1, "dev_every": 2, "dev_examples": 2},
    "evaluation": {"max_new_tokens": 3, "batch_size": 4},
    "methods": {
        "mazo": {"kind": "zeroth_order", "lr": 1e-3, "mask": {"scores": {"calibration_examples": 2}}},
        "first": {"kind": "first_order", "lr": 1e-3, "gradient_checkpointing": True},
    },
}


def family_tokenizer(*, has_bos):
    """A token a byte, with BOS before every text, or as Qwen's, which has none."""
    if has_bos:
        return toy_tokenizer([" Yes", " No"])
    specials = ["<unk>", "<|im_end|>", "<|endoftext|>"]
    return Qwen2Tokenizer(vocab={t: i for i, t in enumerate([*specials, *sorted(ByteLevel.alphabet())])}, merges=[])


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return prepare_mini(tmp_path_factory.mktemp("rows"), tasks=("rte", "squad"), train=4, dev=4, test=4)


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory):
    """A family's name and its model's folder, whose tokenizer names no pad token."""
    config, _, has_bos = FAMILIES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    toy_model(config=config).save_pretrained(folder)
    family_tokenizer(has_bos=has_bos).save_pretrained(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings.pop("pad_token")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return request.param, folder


def test_the_maskable_layers_are_the_blocks_projections(family):
    name, folder = family
    model, tokenizer = load_model(ModelSettings(path=str(folder)))
    weights = maskable_weights(model)
    assert [weight.split(".")[-2] for weight in weights] == list(FAMILIES[name][1]) * 2
    assert context_length(model) == 600
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == 2


def test_a_text_begins_with_bos_where_the_family_has_it_and_keeps_it_when_cut(family):
    name, folder = family
    _, tokenizer = load_model(ModelSettings(path=str(folder)))
    pair = encode_pair(tokenizer, "abcdefgh", "xy", max_length=6)
    assert tokenizer.decode(pair.continuation) == "xy"
    kept = tokenizer("efgh", add_special_tokens=False)["input_ids"]
    has_bos = FAMILIES[name][2]
    assert pair.context == ([1, *kept[1:]] if has_bos else kept)
    assert pair.num_cut == (5 if has_bos else 4)


def test_scores_of_padded_batches_equal_those_of_single_texts(family):
    _, folder = family
    model, tokenizer = load_model(ModelSettings(path=str(folder)))
    texts = [("ab", " Yes"), ("a much longer prompt than that", " No!")]
    pairs = [encode_pair(tokenizer, context, answer, max_length=600) for context, answer in texts]
    examples = [encode_example([pair], task=0, is_choice=True, gold=0) for pair in pairs]
    (batch,) = collate(examples, pad_id=tokenizer.pad_token_id, micro_batch=4)
    with torch.no_grad():
        found = choice_scores(model, batch).tolist()
    wanted = [choice_means(model, tokenizer, context, [answer])[0] for context, answer in texts]
    assert found == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("method", ["mazo", "first"])
def test_a_few_steps_run_from_scores_to_record(family, rows, tmp_path, method):
    name, folder = family
    suite = parse_suite(SMALL | {"suite": "small", "models": {name: {"path": str(folder)}}}, where="here")
    run = select_run(suite, model=name, mix="two", method=method, seed=0)
    kept = None
    if method == "mazo":
        score.run(run, data=rows, out=tmp_path / "scores.safetensors")
        kept = tmp_path / "mask.safetensors"
        mask.run(run, scores=tmp_path / "scores.safetensors", out=kept)
    train.run(run, data=rows, mask=kept, out=tmp_path)
    evaluate.run(run, data=rows, mask=kept, out=tmp_path)
    record = json.loads((tmp_path / "record.json").read_text())
    assert set(record["metrics"]) == {"rte", "squad"}
    assert record["forwards"] == (4 if method == "mazo" else 2)
    trained = json.loads((tmp_path / "train.json").read_text())
    assert trained["checksum"] != trained["base_checksum"]
