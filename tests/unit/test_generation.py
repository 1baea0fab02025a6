import pytest
import torch
from oracles import greedy_one_at_a_time
from toy import toy_model, toy_tokenizer

from mazo.generation import generate, newline_ids


def test_newline_tokens_are_all_those_that_hold_one():
    assert newline_ids(toy_tokenizer([".\n", "\n\n", "end"])) == [3 + 10, 259, 260]


def test_batched_answers_equal_those_made_one_at_a_time():
    model, tokenizer = toy_model(seed=3), toy_tokenizer()
    prompts = [tokenizer(text)["input_ids"] for text in ("Question: where?\nAnswer:", "a", "who is it", "b c")]
    stop = newline_ids(tokenizer)
    answers = generate(model, tokenizer, prompts=prompts, max_new_tokens=12, stop=stop)
    assert answers == [
        greedy_one_at_a_time(model, tokenizer, prompt, max_new_tokens=12, stop=stop) for prompt in prompts
    ]
    assert len(set(answers)) > 1


class Scripted(torch.nn.Module):
    """Turns a toy model into one that always writes the same tokens."""

    def __init__(self, tokens, after):
        super().__init__()
        self.tokens, self.after = tokens, after

    def forward(self, hidden):
        logits = torch.zeros(*hidden.shape[:2], 320)
        logits[..., self.tokens[min(self.after.pop(0), len(self.tokens) - 1)]] = 1.0
        return logits


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("19 km\nand more", "19 km"),
        (" Leo \n", "Leo"),
        ("\nLeo", ""),
        ("abcdefghijkl", "abcdefgh"),  # eight tokens are all it may write
    ],
)
def test_an_answer_ends_at_the_first_newline_or_the_most_tokens(script, answer):
    model, tokenizer = toy_model(), toy_tokenizer()
    model.lm_head = Scripted(tokenizer(script)["input_ids"][1:], list(range(20)))
    assert generate(model, tokenizer, prompts=[[1, 50]], max_new_tokens=8, stop=newline_ids(tokenizer)) == [answer]


def test_an_answer_ends_at_the_end_token():
    model, tokenizer = toy_model(), toy_tokenizer()
    model.lm_head = Scripted([*tokenizer("Leo")["input_ids"][1:], tokenizer.eos_token_id, 100, 100], list(range(20)))
    assert generate(model, tokenizer, prompts=[[1, 50]], max_new_tokens=8, stop=[]) == ["Leo"]


def test_nothing_is_printed(capfd):
    generate(toy_model(), toy_tokenizer(), prompts=[[1, 50], [1, 50, 51]], max_new_tokens=3, stop=[])
    assert capfd.readouterr() == ("", "")
