"""Independent ways to the same numbers: slow, short, and sharing no line with the package."""

import re

import torch
from lm_eval.api.model import LM


def choice_means(model, tokenizer, context, choices, max_length=512):
    """MeZO's rule in full: encode prompt and answer as one text, log-softmax, mean over the answer's tokens."""
    means = []
    for choice in choices:
        prompt = tokenizer(context)["input_ids"]
        ids = tokenizer(context + choice)["input_ids"]
        size = len(ids) - len(prompt)
        if len(ids) > max_length:
            bos = ids[:1] if ids[0] == tokenizer.bos_token_id else []
            ids = bos + ids[len(ids) - max_length + len(bos) :]
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids]).to(model.device)).logits[0].float()
        log_probabilities = logits.log_softmax(-1)
        picked = [log_probabilities[i - 1, ids[i]].item() for i in range(len(ids) - size, len(ids))]
        means.append(sum(picked) / size)
    return means


def split_delimiter(context, delimiter, choices):
    """Newlines stand in the prompt, a space belongs to the answer."""
    return (
        (context + delimiter, choices) if delimiter == "\n" else (context, [delimiter + choice for choice in choices])
    )


def greedy_one_at_a_time(model, tokenizer, prompt, *, max_new_tokens, stop):
    """No cache, no batch: the whole text through the model for every token."""
    ids = list(prompt)
    for _ in range(max_new_tokens):
        with torch.no_grad():
            ids.append(model(input_ids=torch.tensor([ids[-512:]])).logits[0, -1].argmax().item())
        if ids[-1] in (*stop, tokenizer.eos_token_id):
            break
    return tokenizer.decode(ids[len(prompt) :], skip_special_tokens=True).split("\n")[0].strip()


def greedy_answer(model, tokenizer, context, *, max_new_tokens):
    """Write an answer until a newline; a context too long loses its start, BOS apart."""
    ids = tokenizer(context)["input_ids"]
    if (excess := len(ids) + max_new_tokens - 512) > 0:
        bos = ids[:1] if ids[0] == tokenizer.bos_token_id else []
        ids = bos + ids[len(bos) + excess :]
    newlines = [i for i in range(len(tokenizer)) if "\n" in tokenizer.decode([i])]
    return greedy_one_at_a_time(model, tokenizer, ids, max_new_tokens=max_new_tokens, stop=newlines)


def answer_f1(answer, gold):
    """SQuAD v1.1's F1, word by word."""
    bare = [re.sub(r"[^\w\s]", "", text.lower().replace("_", "")).split() for text in (answer, gold)]
    words, golds = [[word for word in text if word not in ("a", "an", "the")] for text in bare]
    left = list(golds)
    shared = sum(word in left and (left.remove(word) or True) for word in words)
    return 2 * shared / (len(words) + len(golds)) if shared else 0.0


class Oracle(LM):
    """A model that knows the gold: label fields for choices, the first gold answer for SQuAD."""

    def __init__(self, *, is_right=True):
        super().__init__()
        self.is_right = is_right

    def loglikelihood(self, requests):
        # requests come choice by choice; idx is the choice's number.
        return [(-1.0 if (r.idx == r.doc["label"]) == self.is_right else -9.0, 1, 1) for r in requests]

    def generate_until(self, requests):
        return [r.doc["answers"]["text"][0] if self.is_right else "xyzzy" for r in requests]

    def loglikelihood_rolling(self, requests):
        raise NotImplementedError
