"""The embedded tokenizer: one token a word of the world, bytes for anything else, prompts and answers cut apart."""

import pytest
from transformers import AutoTokenizer

from mazo.mini.prompts import render
from mazo.mini.rows import GENERATORS, generate_rows
from mazo.mini.tokenizer import build_tokenizer

BYTES = range(3, 259)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    build_tokenizer(folder)
    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("task", GENERATORS)
def test_every_word_of_a_prompt_is_one_token(tokenizer, task):
    for row in generate_rows(task, split="train", count=200, seed=1):
        context, delimiter, choices, _ = render(task, row)
        text = context + delimiter + choices[0]
        ids = tokenizer(text, add_special_tokens=False).input_ids
        assert not set(ids) & set(BYTES), tokenizer.convert_ids_to_tokens(ids)
        assert tokenizer.unk_token_id not in ids


def test_a_word_has_the_same_token_wherever_it_stands(tokenizer):
    alone, after_space, after_newline, quoted = (
        tokenizer(text, add_special_tokens=False).input_ids for text in ("Anna", "saw Anna", "saw\nAnna", 'saw "Anna"')
    )
    assert alone[0] == after_space[-1] == after_newline[-1] == quoted[2]


@pytest.mark.parametrize("text", ["naïve café 123!", "日本語", "tabs\tand \\ slashes", "emoji 🙂 end"])
def test_any_text_encodes_to_known_tokens_and_comes_back(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False).input_ids
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids) == text


@pytest.mark.parametrize("task", GENERATORS)
def test_a_prompt_is_a_prefix_of_prompt_and_answer(tokenizer, task):
    for row in generate_rows(task, split="train", count=50, seed=2):
        context, delimiter, choices, _ = render(task, row)
        prompt = tokenizer(context).input_ids
        for choice in choices:
            assert tokenizer(context + delimiter + choice).input_ids[: len(prompt)] == prompt


def test_texts_start_with_bos(tokenizer):
    assert tokenizer("Anna").input_ids[0] == tokenizer.bos_token_id == 1
