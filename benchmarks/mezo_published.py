"""MeZO's published step, restated from its paper and the behaviour of its released code, for timing beside ours."""

from collections.abc import Sequence

import torch
from torch import nn

from mazo.batches import EncodedExample


class PublishedStep:
    r"""One step on examples of one task, as Malladi et al. release it (NeurIPS 2023).

    - Each candidate answer is a sequence of its own: the prompt and the answer, run together as one batch of examples
      times candidates; logits of every position over the whole vocabulary.
    - z comes from ``torch.normal`` tensor by tensor, from a seed that is set anew for each of four passes over the
      weights: to theta + eps z, to theta - eps z, back to theta, and the update.
    - A pass makes new tensors and assigns them to the parameters.

    :param examples: Examples whose answers all have one token.
    """

    def __init__(self, model: nn.Module, examples: Sequence[EncodedExample], *, lr: float, eps: float = 1e-3) -> None:
        self._model, self._lr, self._eps, self._seed = model, lr, eps, 0
        rows = [example.sequences[0] + choice.tokens for example in examples for choice in example.choices]
        self._ids = torch.tensor(rows)
        self._gold = torch.tensor([example.gold for example in examples])
        self._num_choices = len(examples[0].choices)

    @torch.no_grad()
    def step(self) -> None:
        """Do one step."""
        self._seed += 1
        self._perturb(1)
        plus = self._loss()
        self._perturb(-2)
        minus = self._loss()
        self._perturb(1)
        self._pass(-self._lr * ((plus - minus) / (2 * self._eps)).item())

    def _perturb(self, scale: float) -> None:
        self._pass(scale * self._eps)

    def _pass(self, factor: float) -> None:
        stream = torch.Generator().manual_seed(self._seed)
        for parameter in self._model.parameters():
            z = torch.normal(mean=0.0, std=1.0, size=parameter.shape, generator=stream)
            parameter.data = parameter.data + factor * z

    def _loss(self) -> torch.Tensor:
        logits = self._model(input_ids=self._ids, use_cache=False).logits
        chosen = logits[:, -2].float().log_softmax(-1).gather(1, self._ids[:, -1:])
        return nn.functional.cross_entropy(chosen.view(-1, self._num_choices), self._gold)
