import pytest
from toy import toy_tokenizer

from mazo.encoding import encode_pair, encode_pairs, encode_prompt, token_ids
from mazo.errors import DataError

BOS = 1


def byte_ids(text):
    return [3 + byte for byte in text.encode()]


def test_a_newline_that_leads_the_answer_belongs_to_the_context():
    pair = encode_pair(toy_tokenizer(), "True?", "\nYes", max_length=99)
    assert pair == ([BOS, *byte_ids("True?\n")], byte_ids("Yes"), 0)


def test_a_space_that_leads_the_answer_belongs_to_the_answer():
    pair = encode_pair(toy_tokenizer(), "It was", " great", max_length=99)
    assert pair == ([BOS, *byte_ids("It was")], byte_ids(" great"), 0)


@pytest.mark.parametrize(("bos", "kept"), [(True, [BOS, *byte_ids("ef")]), (False, byte_ids("def"))])
def test_a_long_context_is_cut_from_the_left_after_bos(bos, kept):
    pair = encode_pair(toy_tokenizer(bos=bos), "abcdef", "xy", max_length=5)
    assert pair.context == kept
    assert pair.continuation == byte_ids("xy")
    assert pair.num_cut == (7 if bos else 6) - 3


def test_a_context_that_just_fits_is_whole():
    assert encode_pair(toy_tokenizer(), "abcd", "xy", max_length=7).num_cut == 0
    assert encode_pair(toy_tokenizer(), "abcd", "xy", max_length=6) == ([BOS, *byte_ids("bcd")], byte_ids("xy"), 1)


def test_only_bos_may_be_left_of_a_context():
    assert encode_pair(toy_tokenizer(), "abcd", "xyz", max_length=4) == ([BOS], byte_ids("xyz"), 4)


def test_an_answer_longer_than_the_model_is_refused():
    with pytest.raises(DataError, match="leaves 0 tokens for its prompt"):
        encode_pair(toy_tokenizer(), "ab", "xyz", max_length=3)


def test_a_prompt_is_cut_like_a_context():
    assert encode_prompt(toy_tokenizer(), "abcdef", max_length=3) == ([BOS, *byte_ids("ef")], 4)


def test_many_pairs_give_what_each_gives_alone():
    tokenizer = toy_tokenizer([" great", "Yes"])
    pairs = [("It was", " great"), ("It was", " bad"), ("True?", "\nYes"), ("é", "\nYes")]
    assert encode_pairs(tokenizer, pairs, max_length=20) == [encode_pair(tokenizer, *p, max_length=20) for p in pairs]
    assert encode_pairs(tokenizer, [], max_length=20) == []


def test_a_text_longer_than_the_tokenizer_says_gives_no_warning(caplog):
    tokenizer = toy_tokenizer()
    tokenizer.model_max_length = 2
    assert len(token_ids(tokenizer, ["abcdef"])[0]) == 7
    assert caplog.text == ""


def test_where_prompt_and_answer_merge_the_answer_keeps_its_last_token():
    # "?Y" is one token: the prompt alone has two tokens, the whole as many.
    pair = encode_pair(toy_tokenizer(["?Y"]), "?", "Y", max_length=9)
    assert pair.continuation == [259]
    assert pair.context == [BOS]
