"""A model as lm-eval asks it: tokens, scores and cuts exactly as in training."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, NamedTuple

import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from tqdm import tqdm

from mazo.adapters import row_tasks
from mazo.batches import collate, encode_example
from mazo.encoding import EncodedPair, encode_pairs, encode_prompt
from mazo.generation import generate, newline_ids, prompt_room
from mazo.losses import choice_scores
from mazo.models import context_length

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Likelihood(NamedTuple):
    """What a choice's metrics are made of."""

    log_probability: float
    """Summed over the choice's tokens."""
    num_tokens: int
    num_characters: int


class CausalLM(LM):
    """A causal language model behind lm-eval's interface.

    :param batch_size: Most sequences in one forward.
    :param max_new_tokens: Longest written answer, in tokens.
    :param demonstrations: Solved examples that lm-eval puts before each prompt, by lm-eval's task name; where they do
        not fit the model's context with the prompt, whole ones are left out, the first first.
    :param task_numbers: Each task's place in the training, by lm-eval's name.
    """

    def __init__(
        self,
        model: "PreTrainedModel",
        tokenizer: "PreTrainedTokenizerBase",
        *,
        batch_size: int,
        max_new_tokens: int,
        demonstrations: Mapping[str, Sequence[str]],
        task_numbers: Mapping[str, int],
    ) -> None:
        super().__init__()
        self.model, self.tokenizer = model, tokenizer
        self.batch_size, self.max_new_tokens = batch_size, max_new_tokens
        self.max_length, self.task_numbers = context_length(model), task_numbers
        self.openings = {task: list(accumulate(texts, initial="")) for task, texts in demonstrations.items()}
        # lm-eval's own bars are hidden while it runs; this one is bound to the stream of before.
        self.progress = sys.stderr
        self.num_cut: Counter[str] = Counter()
        """Documents of each task whose prompt lost tokens."""

    @torch.no_grad()
    def loglikelihood(self, requests: list[Instance]) -> list[Likelihood]:
        """Score each request's continuation; the choices of one document share their prompt's forward."""
        documents = [list(group) for _, group in groupby(requests, key=_document)]
        encoded = self._encode(documents)
        examples = [
            encode_example(pairs, task=self.task_numbers[requests[0].task_name], is_choice=True, gold=0)
            for pairs, requests in zip(encoded, documents, strict=True)
        ]
        order = sorted(range(len(examples)), key=lambda i: examples[i].length)
        batches = collate([examples[i] for i in order], pad_id=self.tokenizer.pad_token_id, micro_batch=self.batch_size)
        means = [choice_scores(self.model, batch.to(self.model.device)).tolist() for batch in self._bar(batches)]
        # collate keeps the order of examples that are sorted by length already.
        flat = iter(mean for batch in means for mean in batch)
        found: dict[int, list[Likelihood]] = {
            i: [_likelihood(next(flat), pair, request) for pair, request in zip(encoded[i], documents[i], strict=True)]
            for i in order
        }
        return [likelihood for i in range(len(documents)) for likelihood in found[i]]

    @torch.no_grad()
    def generate_until(self, requests: list[Instance]) -> list[str]:
        """Continue each prompt greedily up to a newline, the end token, or the most tokens allowed."""
        prompts = [self._encode_prompt(request) for request in requests]
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        chunks = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        stop = newline_ids(self.tokenizer)
        answers: dict[int, str] = {}
        for chunk in self._bar(chunks):
            numbers = [self.task_numbers[requests[i].task_name] for i in chunk]
            with row_tasks(torch.tensor(numbers, device=self.model.device)):
                texts = generate(
                    self.model,
                    self.tokenizer,
                    prompts=[prompts[i] for i in chunk],
                    max_new_tokens=self.max_new_tokens,
                    stop=stop,
                )
            answers.update(zip(chunk, texts, strict=True))
        return [answers[i] for i in range(len(prompts))]

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """Refuse: no task of the suite asks for the probability of a whole text."""
        raise NotImplementedError("the suite's tasks ask for choices and for written answers alone")

    def _bar(self, batches: Sequence) -> tqdm:
        return tqdm(batches, desc="evaluate", unit="batch", mininterval=1.0, leave=False, file=self.progress)

    def _encode(self, documents: list[list[Instance]]) -> list[list[EncodedPair]]:
        texts = [request.args for requests in documents for request in requests]
        encoded = iter(encode_pairs(self.tokenizer, texts, max_length=self.max_length))
        return [self._fit(requests, [next(encoded) for _ in requests]) for requests in documents]

    def _fit(self, requests: list[Instance], pairs: list[EncodedPair]) -> list[EncodedPair]:
        """Leave out demonstrations, the first first, until all choices fit; count the document if its prompt is cut."""
        task = requests[0].task_name
        for opening in self.openings.get(task, [""])[1:]:
            if not any(pair.num_cut for pair in pairs):
                break
            texts = [(_without(request.args[0], opening), request.args[1]) for request in requests]
            pairs = encode_pairs(self.tokenizer, texts, max_length=self.max_length)
        self.num_cut[task] += any(pair.num_cut for pair in pairs)
        return pairs

    def _encode_prompt(self, request: Instance) -> list[int]:
        room, task = prompt_room(self.max_length, max_new_tokens=self.max_new_tokens), request.task_name
        for opening in self.openings.get(task, [""]):
            text = _without(request.args[0], opening)
            ids, num_cut = encode_prompt(self.tokenizer, text, max_length=room)
            if num_cut == 0:
                break
        self.num_cut[task] += num_cut > 0
        return ids


def _document(request: Instance) -> tuple[str, int]:
    return request.task_name, request.doc_id


def _without(context: str, opening: str) -> str:
    if not context.startswith(opening):
        raise ValueError(f"wanted a prompt that begins with its demonstrations; found {context[:80]!r}")
    return context[len(opening) :]


def _likelihood(mean: float, pair: EncodedPair, request: Instance) -> Likelihood:
    return Likelihood(mean * len(pair.continuation), len(pair.continuation), len(request.args[1].lstrip()))
