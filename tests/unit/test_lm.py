import pytest
import torch
from lm_eval.api.instance import Instance
from toy import toy_model, toy_tokenizer

from mazo.adapter_settings import MTLLora
from mazo.adapters import add_adapter_
from mazo.errors import ConfigError
from mazo.lm import CausalLM


def requests_of(documents, *, task="mazo_rte"):
    return [
        Instance("loglikelihood", {}, (context, continuation), i, metadata=(task, doc_id, 1))
        for doc_id, (context, continuations) in enumerate(documents)
        for i, continuation in enumerate(continuations)
    ]


def prompts_of(texts, *, task="mazo_squad"):
    return [
        Instance("generate_until", {}, (text, {}), 0, metadata=(task, doc_id, 1)) for doc_id, text in enumerate(texts)
    ]


def language_model(*, context=512, demonstrations=None, max_new_tokens=4, words=(), batch_size=4):
    return CausalLM(
        toy_model(context=context),
        toy_tokenizer(words),
        batch_size=batch_size,
        max_new_tokens=max_new_tokens,
        demonstrations=demonstrations or {},
        task_numbers={"mazo_rte": 0, "mazo_squad": 1, "mazo_wic": 2},
    )


DOCUMENTS = [
    ("A rather long prompt here?", ["\nYes", "\nNo", "\nMaybe"]),
    ("Short", [" a", " bc"]),
    ("Another of the middle", ["\nYes", "\nNo"]),
]


def test_each_task_is_asked_of_its_own_factors():
    lm = language_model()
    factors = add_adapter_(lm.model, MTLLora(kind="mtl_lora", rank=2), num_tasks=3, run_seed=0)
    for name, weight in factors.items():
        if "lora_B" in name:
            weight.fill_(0.1)
        if "lora_lambda" in name:
            weight.mul_(torch.tensor([1.0, 2.0, 3.0])[:, None, None])
    tasks = ["mazo_rte", "mazo_squad", "mazo_wic"]
    choices = [request for task in tasks for request in requests_of(DOCUMENTS[1:2], task=task)]
    prompts = [request for task in tasks for request in prompts_of(["Some prompt"], task=task)]
    scored, written = lm.loglikelihood(choices), lm.generate_until(prompts)
    for number in range(3):
        lm.task_numbers = dict.fromkeys(tasks, number)
        wanted = lm.loglikelihood(choices)[2 * number].log_probability
        assert scored[2 * number].log_probability == pytest.approx(wanted, rel=1e-5)
        assert written[number] == lm.generate_until(prompts)[number]
    assert len({round(likelihood.log_probability, 2) for likelihood in scored[::2]}) == 3
    assert len(set(written)) > 1


def test_the_likelihoods_come_back_in_the_requests_order_and_equal_lm_evals_own():
    """lm-eval's own Hugging Face class, given the newline where it counts it: in the prompt."""
    from lm_eval.models.huggingface import HFLM

    lm = language_model()
    mine = lm.loglikelihood(requests_of(DOCUMENTS))
    other = HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=1)
    tokens = []
    for request in requests_of(DOCUMENTS):
        context, continuation = request.args
        newlines = "\n" if continuation.startswith("\n") else ""
        ids = [1, *lm.tokenizer(context + newlines)["input_ids"][1:]]
        rest = lm.tokenizer(continuation.lstrip("\n"))["input_ids"][1:]
        tokens.append((("", ""), ids, rest))
    theirs = [total for total, _ in other._loglikelihood_tokens(tokens, disable_tqdm=True)]
    assert [likelihood.log_probability for likelihood in mine] == pytest.approx(theirs, rel=1e-5)
    assert [likelihood.num_tokens for likelihood in mine] == [3, 2, 5, 2, 3, 3, 2]
    assert [likelihood.num_characters for likelihood in mine] == [3, 2, 5, 1, 2, 3, 2]


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_the_batch_size_changes_likelihoods_by_rounding_alone(batch_size):
    whole = language_model(batch_size=8).loglikelihood(requests_of(DOCUMENTS))
    parts = language_model(batch_size=batch_size).loglikelihood(requests_of(DOCUMENTS))
    assert [p.log_probability for p in parts] == pytest.approx([w.log_probability for w in whole], rel=1e-5)


def test_prompts_that_lose_tokens_are_counted_once_a_document_and_task():
    lm = language_model(context=24)
    lm.loglikelihood(requests_of(DOCUMENTS) + requests_of(DOCUMENTS[1:2], task="mazo_wic"))
    assert lm.num_cut == {"mazo_rte": 2, "mazo_wic": 0}


def test_a_cut_prompt_keeps_bos_and_its_end():
    cut = language_model(context=24).loglikelihood(requests_of([("x" * 30 + "the end of it", ["\nYes"])]))
    # 24 tokens: BOS, 20 of the prompt and its newline, 3 of the answer.
    whole = language_model(context=24).loglikelihood(requests_of([("x" * 6 + "the end of it", ["\nYes"])]))
    assert cut == whole


DEMONSTRATIONS = ["First?\nYes\n\n", "Second, longer?\nNo\n\n", "Third?\nNo\n\n"]


@pytest.mark.parametrize(("context", "kept"), [(64, 3), (50, 2), (30, 1), (18, 0)])
def test_whole_demonstrations_are_left_out_from_the_front_until_the_prompt_fits(context, kept):
    demonstrations = {"mazo_rte": DEMONSTRATIONS}
    prompt = "Is it so?"
    full = requests_of([("".join(DEMONSTRATIONS) + prompt, ["\nYes", "\nNo"])])
    fitted = requests_of([("".join(DEMONSTRATIONS[len(DEMONSTRATIONS) - kept :]) + prompt, ["\nYes", "\nNo"])])
    lm = language_model(context=context, demonstrations=demonstrations)
    assert lm.loglikelihood(full) == language_model(context=context).loglikelihood(fitted)
    assert lm.num_cut == {"mazo_rte": 0}


def test_without_any_demonstration_left_a_prompt_is_cut_and_counted():
    lm = language_model(context=10, demonstrations={"mazo_rte": DEMONSTRATIONS})
    found = lm.loglikelihood(requests_of([("".join(DEMONSTRATIONS) + "Is it so?", ["\nYes"])]))
    assert found == language_model(context=10).loglikelihood(requests_of([("Is it so?", ["\nYes"])]))
    assert lm.num_cut == {"mazo_rte": 1}


def test_a_prompt_to_continue_leaves_room_for_its_answer():
    lm = language_model(context=20, max_new_tokens=8, demonstrations={"mazo_squad": ["Q\nA: b\n\n"]})
    short, long = prompts_of(["Q\nA: b\n\nQ2 A:", "Q\nA: b\n\nA question that is too long A:"])
    answers = lm.generate_until([short, long])
    alone = language_model(context=20, max_new_tokens=8)
    assert answers == alone.generate_until(prompts_of(["Q2 A:", "too long A:"]))
    assert lm.num_cut == {"mazo_squad": 1}


def test_written_answers_come_back_in_the_requests_order():
    lm = language_model(batch_size=2)
    texts = ["a long prompt of many words", "b", "a prompt of some words", "c d"]
    together = lm.generate_until(prompts_of(texts))
    assert together == [lm.generate_until(prompts_of([text]))[0] for text in texts]
    assert len(set(together)) > 1


def test_answers_longer_than_the_model_are_refused():
    with pytest.raises(ConfigError, match=r"evaluation\.max_new_tokens: wanted fewer .*found 19 for a context of 20"):
        language_model(context=20, max_new_tokens=19).generate_until(prompts_of(["a"]))


def test_a_prompt_without_the_demonstrations_it_should_begin_with_is_refused():
    lm = language_model(context=10, demonstrations={"mazo_rte": DEMONSTRATIONS})
    with pytest.raises(ValueError, match="begins with its demonstrations"):
        lm.loglikelihood(requests_of([("Something else entirely", ["\nYes"])]))


def test_no_gradient_is_kept():
    lm = language_model()
    lm.model.requires_grad_(True)
    lm.loglikelihood(requests_of(DOCUMENTS))
    lm.generate_until(prompts_of(["a"]))
    assert all(parameter.grad is None for parameter in lm.model.parameters())
    assert torch.is_grad_enabled()
