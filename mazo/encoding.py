"""(context, continuation) to token ids: the one place text becomes tokens, for training and for evaluation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mazo.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class EncodedPair(NamedTuple):
    """Token ids of a prompt and of what follows it."""

    context: list[int]
    continuation: list[int]
    num_cut: int
    """Tokens cut from the context's left, after BOS, so that all fits the model."""


def encode_pairs(
    tokenizer: "PreTrainedTokenizerBase", pairs: Sequence[tuple[str, str]], *, max_length: int
) -> list[EncodedPair]:
    """Encode each context with its continuation as one text, and split where the context alone would end.

    Newlines that lead a continuation go to its context, so that only the answer's own tokens are counted (MeZO).
    A context that is too long loses tokens from the left, but keeps BOS (MeZO).

    :param pairs: Context and continuation, the delimiter leading the continuation.
    :param max_length: Most tokens of context and continuation together.
    :raises DataError: a continuation that leaves no room for a context.
    """
    if not pairs:
        return []
    moved = [_newlines_to_context(context, continuation) for context, continuation in pairs]
    contexts = list(dict.fromkeys(context for context, _ in moved))
    lengths = {context: len(ids) for context, ids in zip(contexts, token_ids(tokenizer, contexts), strict=True)}
    wholes = token_ids(tokenizer, [context + continuation for context, continuation in moved])
    return [
        _split(whole, lengths[context], bos=tokenizer.bos_token_id, max_length=max_length)
        for whole, (context, _) in zip(wholes, moved, strict=True)
    ]


def encode_pair(
    tokenizer: "PreTrainedTokenizerBase", context: str, continuation: str, *, max_length: int
) -> EncodedPair:
    """Encode one context with its continuation, as :func:`encode_pairs` does."""
    return encode_pairs(tokenizer, [(context, continuation)], max_length=max_length)[0]


def encode_prompt(tokenizer: "PreTrainedTokenizerBase", prompt: str, *, max_length: int) -> tuple[list[int], int]:
    """Encode a prompt that the model is to continue: its ids, and how many were cut from the left after BOS.

    :param max_length: Most tokens of the prompt, room for the answer already taken off.
    """
    return _cut_left(token_ids(tokenizer, [prompt])[0], bos=tokenizer.bos_token_id, room=max_length)


def token_ids(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str]) -> list[list[int]]:
    """Encode whole texts, with BOS where the tokenizer adds one."""
    return tokenizer(list(texts), verbose=False, return_attention_mask=False)["input_ids"]


def _newlines_to_context(context: str, continuation: str) -> tuple[str, str]:
    answer = continuation.lstrip("\n")
    return context + continuation[: len(continuation) - len(answer)], answer


def _split(whole: list[int], length: int, *, bos: int | None, max_length: int) -> EncodedPair:
    # The boundary's characters may merge into one token; the answer keeps at least the last token then.
    length = min(length, len(whole) - 1)
    continuation = whole[length:]
    context, num_cut = _cut_left(whole[:length], bos=bos, room=max_length - len(continuation))
    return EncodedPair(context, continuation, num_cut)


def _cut_left(ids: list[int], *, bos: int | None, room: int) -> tuple[list[int], int]:
    if room < 1:
        raise DataError(f"an answer leaves {room} tokens for its prompt; wanted a model with a longer context")
    num_cut = max(0, len(ids) - room)
    if num_cut == 0:
        return ids, 0
    return (ids[:1] + ids[1 + num_cut :] if ids[0] == bos else ids[num_cut:]), num_cut
