"""Greedy continuation of many prompts at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from mazo.errors import ConfigError
from mazo.quiet import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def newline_ids(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """List the tokens that hold a newline, alone or with other characters."""
    texts = tokenizer.batch_decode([[i] for i in range(len(tokenizer))])
    return [i for i, text in enumerate(texts) if "\n" in text]


def prompt_room(max_length: int, *, max_new_tokens: int) -> int:
    """Return the most tokens of a prompt whose answer is written.

    Raises :class:`mazo.errors.ConfigError` where fewer than 2 are left.
    """
    room = max_length - max_new_tokens
    if room < 2:
        found = f"{max_new_tokens} for a context of {max_length}"
        raise ConfigError(f"evaluation.max_new_tokens: wanted fewer than the model's context; found {found}")
    return room


def generate(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    *,
    prompts: Sequence[list[int]],
    max_new_tokens: int,
    stop: Sequence[int],
) -> list[str]:
    """Continue each prompt greedily, and return the text up to its first newline or end token, stripped.

    :param prompts: Token ids, BOS included.
    :param max_new_tokens: Most tokens of a continuation.
    :param stop: Tokens that end a continuation besides the tokenizer's end token.
    """
    from transformers import GenerationConfig

    length = max(map(len, prompts))
    ids = torch.tensor([[tokenizer.pad_token_id] * (length - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (length - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    ends = [*stop, *([] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id])]
    config = GenerationConfig(
        do_sample=False, max_new_tokens=max_new_tokens, eos_token_id=ends or None, pad_token_id=tokenizer.pad_token_id
    )
    with quiet():
        found = model.generate(
            input_ids=ids.to(model.device), attention_mask=mask.to(model.device), generation_config=config
        )
    return [_answer(tokenizer, row, ends) for row in found[:, length:].tolist()]


def _answer(tokenizer: "PreTrainedTokenizerBase", ids: list[int], ends: Sequence[int]) -> str:
    """Decode up to and with the first end token: it may hold text before its newline."""
    last = next((i for i, token in enumerate(ids) if token in ends), len(ids))
    text = tokenizer.decode(ids[: last + 1], skip_special_tokens=True)
    return text.split("\n")[0].strip()
