"""The untrained embedded model, whose attention starts near what matching and copying need.

In trials of one seed, saying what stood beside a name's earlier mention was learned in 1,400 small steps from here, and
not in 2,800 from normal weights alone.
"""

import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaAttention

from mazo.seeding import torch_generator

WIDTH, LAYERS, HEADS = 128, 4, 4
PREVIOUS_HEADS = 2
"""Heads of the first layer that start by looking one token back."""
CONSTANT = 0.3
"""Value of the embedding's first coordinate, the same for every token: what those heads' queries and keys read."""
SHARPNESS = 7.0
"""Length of their queries and keys."""


def new_model(vocabulary: int, *, seed: int) -> LlamaForCausalLM:
    """Make the untrained model: normal weights of standard deviation 1/sqrt(width), norms one, attention as below."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        dtype="float32",
    )
    with torch.random.fork_rng():
        model = LlamaForCausalLM(config)
    generator = torch_generator(seed, "embedded model")
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0.0, WIDTH**-0.5, generator=generator)
        for layer in model.model.layers:
            match_and_copy_(layer.self_attn)
        look_back_(model.model.layers[0].self_attn, model.model.embed_tokens)
    return model


def match_and_copy_(attention: LlamaAttention) -> None:
    """Let tokens attend to their like and copy what they see: W_k = W_q and W_o = W_v' (mimetic initialisation)."""
    attention.k_proj.weight.copy_(attention.q_proj.weight)
    attention.o_proj.weight.copy_(attention.v_proj.weight.T)


def look_back_(attention: LlamaAttention, embedding: nn.Embedding) -> None:
    r"""Let the first heads attend to the token before.

    Queries and keys are constants; rotary position embedding turns pair i by :math:`\theta_i` a position, so a key
    turned ahead by :math:`\theta_i` gives, at distance :math:`\Delta`, the score
    :math:`\sum_i \cos(\theta_i (\Delta - 1))`.
    """
    size = WIDTH // HEADS
    angles = 10000.0 ** (-torch.arange(size // 2) / (size // 2))
    mean_square = ((WIDTH - 1) / WIDTH + CONSTANT**2) / WIDTH
    gain = SHARPNESS / (CONSTANT / mean_square**0.5)
    embedding.weight[:, 0] = CONSTANT
    attention.v_proj.weight[:, 0] = 0
    attention.o_proj.weight[0, :] = 0
    for start in range(0, PREVIOUS_HEADS * size, size):
        half, end = start + size // 2, start + size
        attention.q_proj.weight[start:end] = 0
        attention.k_proj.weight[start:end] = 0
        attention.q_proj.weight[start:half, 0] = gain
        attention.k_proj.weight[start:half, 0] = gain * angles.cos()
        attention.k_proj.weight[half:end, 0] = gain * angles.sin()
