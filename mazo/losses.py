"""(model, batches) to one float32 loss a task."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mazo.adapters import row_tasks
from mazo.batches import Batch
from mazo.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

UNKNOWN_SCALES = ("lm_head_multiplier", "output_multiplier_scale", "mup_scale", "logits_soft_cap")


def task_losses(model: "PreTrainedModel", batches: Sequence[Batch], *, num_tasks: int) -> Float[Tensor, " tasks"]:
    r"""Compute the mean loss of each task's examples, with or without autograd as the caller chooses.

    .. math:: L_t = \frac{1}{n_t} \sum_{e \in t} \ell_e, \qquad
        \ell_e = \log \sum_c \exp s_{ec} - s_{e g_e} \text{ (choices)}, \quad \ell_e = -s_{e g_e} \text{ (target)}

    - :math:`s_{ec}` is the mean log-probability per token of candidate :math:`c`, :math:`g_e` the right one;
    - :math:`n_t` is the number of the task's examples over all batches; a task without any gets NaN.

    Source: MeZO's objective; COPA and SQuAD take the target form.
    """
    losses = torch.cat([example_losses(model, batch) for batch in batches])
    return mean_by_task(losses, torch.cat([batch.task for batch in batches]), num_tasks=num_tasks)


@torch.no_grad()
def measure_losses(model: "PreTrainedModel", batches: Sequence[Batch], *, num_tasks: int) -> Float[Tensor, " tasks"]:
    """Measure :func:`task_losses` without a gradient, and return them to the CPU."""
    return task_losses(model, batches, num_tasks=num_tasks).float().cpu()


def mean_by_task(
    values: Float[Tensor, " examples"], task: Int[Tensor, " examples"], *, num_tasks: int
) -> Float[Tensor, " tasks"]:
    """Return the mean of each task's values; NaN for a task without any."""
    # A product with the one-hot matrix, since a scattered sum has no fixed order on every device.
    member = nn.functional.one_hot(task, num_tasks).to(values.dtype)
    return values @ member / member.sum(0)


def example_losses(model: "PreTrainedModel", batch: Batch) -> Float[Tensor, " examples"]:
    """Compute the loss of every example of a micro-batch."""
    scores = example_choice_scores(model, batch)
    gold = scores.gather(1, batch.gold[:, None]).squeeze(1)
    return torch.where(batch.is_choice, scores.logsumexp(1), torch.zeros_like(gold)) - gold


def example_choice_scores(model: "PreTrainedModel", batch: Batch) -> Float[Tensor, "examples slots"]:
    """Compute every example's choice scores, minus infinity in the slots of absent choices."""
    return choice_scores(model, batch)[batch.example_choices].masked_fill(~batch.is_slot, -torch.inf)


def choice_scores(model: "PreTrainedModel", batch: Batch) -> Float[Tensor, " choices"]:
    """Compute the mean log-probability per token of every candidate of a micro-batch, in float32."""
    logits = needed_logits(model, batch)
    log_normaliser = logits.logsumexp(1)
    chosen = logits[batch.token_place, batch.token_id] - log_normaliser[batch.token_place]
    return (chosen * batch.token_weight).sum(1)


def needed_logits(model: "PreTrainedModel", batch: Batch) -> Float[Tensor, "places vocabulary"]:
    """Run the decoder on all positions, and the output head, in float32, on those that predict an answer's token.

    Padding stands to the right of a causal model's input, so no attention mask is needed.

    :raises ModelError: a model whose logits are scaled in a way unknown here.
    """
    with row_tasks(batch.row_task):
        hidden = model.get_decoder()(input_ids=batch.input_ids, use_cache=False).last_hidden_state
    # A model spread over several devices ends on another one than it began on.
    places = hidden.reshape(-1, hidden.shape[-1])[batch.places.to(hidden.device)]
    logits = _head(model.get_output_embeddings(), places).to(batch.places.device)
    return _scale(logits, model.config.get_text_config())


def _head(head: nn.Module, hidden: Float[Tensor, "places width"]) -> Float[Tensor, "places vocabulary"]:
    if not isinstance(head, nn.Linear):
        raise ModelError(f"output head: wanted a linear layer; found {type(head).__name__}")
    hidden = hidden.to(head.weight.device)
    if head.weight.dtype == torch.float32:
        return head(hidden)
    bias = None if head.bias is None else head.bias.float()
    return nn.functional.linear(hidden.float(), head.weight.float(), bias)


def _scale(logits: Float[Tensor, "places vocabulary"], config: object) -> Float[Tensor, "places vocabulary"]:
    """Apply what a model does to its logits after the head (Cohere's and Granite's factors, Gemma's soft cap)."""
    for key in UNKNOWN_SCALES:
        if getattr(config, key, None) not in (None, 1.0):
            raise ModelError(f"model {getattr(config, 'model_type', '')}: {key}: wanted none; its logits are not known")
    if (factor := getattr(config, "logit_scale", None)) is not None:
        logits = logits * factor
    if (divisor := getattr(config, "logits_scaling", None)) is not None:
        logits = logits / divisor
    if (cap := getattr(config, "final_logit_softcapping", None)) is not None:
        logits = (logits / cap).tanh() * cap
    return logits
