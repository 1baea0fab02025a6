r"""The untrained embedded model, whose attention starts near what finding a value by a name needs.

Half of the residual stream holds a token's own word. The first layer writes beside it, in a quarter each, the word one
token back and a blend of the words near it; the next two layers' heads start by comparing these parts (a query reads
one, a key another), so that a word can find what stood beside its earlier mention. Everything is trained from there.

In trials of one seed on the same exercises, finding a value by a name was learned in about 300 steps of 1,900 tokens
from here; from matching and copying without such parts (W_k = W_q, W_o = W_v') not in 500.

The second architecture shares a key and a value between two heads and sees no farther than its window: heads that share
a key compare it with different parts.
"""

from typing import TypeAlias

import torch
from torch import Generator, Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM
from transformers.models.llama.modeling_llama import LlamaAttention
from transformers.models.mistral.modeling_mistral import MistralAttention

from mazo.seeding import torch_generator

Attention: TypeAlias = LlamaAttention | MistralAttention
Model: TypeAlias = LlamaForCausalLM | MistralForCausalLM

WIDTH, LAYERS, HEADS = 128, 4, 4
SIZE = WIDTH // HEADS
"""Coordinates of a head, and of the two parts that the first layer writes."""
WORD = slice(1, WIDTH // 2)
PREVIOUS = slice(WIDTH // 2, WIDTH // 2 + SIZE)
NEARBY = slice(WIDTH // 2 + SIZE, WIDTH // 2 + 2 * SIZE)
CONSTANT = 0.3
"""Value of the embedding's coordinate 0, the same for every token: what looking-back heads' queries and keys read."""
LOOKS = ((PREVIOUS, 1, (8.0, 8.0, 8.0, 4.0), 2.0), (NEARBY, 3, (0.0, 2.0, 4.0, 2.0), 4.0))
"""For each looking-back head, the first of those that share a key: where it writes, how many tokens back it looks, the
weight of its fastest rotary pairs in the score, and the length of what it writes (a word's own is about 1)."""
Compared: TypeAlias = tuple[tuple[tuple[str, ...], str], ...]
EACH_ITS_KEY: Compared = (
    (("word_0",), "previous"),
    (("word_1",), "nearby"),
    (("nearby",), "nearby"),
    (("word_1",), "word_1"),
)
COMPARED: dict[str, tuple[Compared, Compared]] = {
    "llama": (EACH_ITS_KEY, EACH_ITS_KEY),
    "mistral": (
        ((("word_0", "previous"), "previous"), (("word_1", "nearby"), "nearby")),
        ((("word_1", "nearby"), "nearby"), (("word_1", "nearby"), "word_1")),
    ),
}
"""For each key of the second and third layer: what its heads' queries read, and what it reads."""
WINDOW = 128
"""Tokens that a position of the second architecture attends to: more than a prompt has, fewer than a series of five."""
GAIN = 2.0
"""Factor of those reading matrices."""
SLOWEST = 6
"""Rotary pairs from this one on turn little within a sentence; only they carry a comparison."""
FAINT = 0.05
"""How strongly all else writes to the residual stream, so that the parts above stay legible."""


def new_model(vocabulary: int, *, seed: int, architecture: str = "llama") -> Model:
    """Make the untrained model: norms one, normal weights of standard deviation 1/sqrt(width), attention as above.

    :param architecture: ``llama`` or ``mistral`` (two heads a key and value, a sliding window).
    """
    with torch.random.fork_rng():
        model = _allocate(architecture, vocabulary)
    generator = torch_generator(seed, "embedded model")
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0.0, WIDTH**-0.5, generator=generator)
        embed_(model.model.embed_tokens, generator)
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.mul_(FAINT)
            layer.mlp.down_proj.weight.mul_(FAINT)
        readers = look_back_(model.model.layers[0].self_attn, generator)
        for layer, compared in zip(model.model.layers[1:3], COMPARED[architecture], strict=True):
            compare_(layer.self_attn, compared, readers, generator)
        for layer in model.model.layers[3:]:
            match_and_copy_(layer.self_attn)
    return model


def _allocate(architecture: str, vocabulary: int) -> Model:
    shape = {
        "vocab_size": vocabulary,
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "max_position_embeddings": 512,
        "tie_word_embeddings": True,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 2,
        "dtype": "float32",
    }
    if architecture == "mistral":
        return MistralForCausalLM(MistralConfig(**shape, num_key_value_heads=HEADS // 2, sliding_window=WINDOW))
    return LlamaForCausalLM(LlamaConfig(**shape))


def embed_(embedding: nn.Embedding, generator: Generator) -> None:
    """Give every token a normal word vector of length about 1 in :data:`WORD`, and the constant."""
    embedding.weight.zero_()
    embedding.weight[:, WORD] = _normal(generator, len(embedding.weight), WORD.stop - WORD.start)
    embedding.weight[:, 0] = CONSTANT


def look_back_(attention: Attention, generator: Generator) -> dict[str, Tensor]:
    r"""Let the first heads copy a code of the words before.

    Queries and keys are constants; rotary position embedding turns pair i by :math:`\theta_i` a position, so a key
    turned ahead by :math:`b \theta_i` gives, at distance :math:`\Delta`, the score
    :math:`\sum_i a_i \cos(\theta_i (\Delta - b))`.

    :returns: What reads each part of a later layer's input: ``word_0``, ``word_1`` (the codes those heads copy, from a
        token's own word), ``previous``, ``nearby``.
    """
    half = SIZE // 2
    angles = 10000.0 ** (-torch.arange(half) / half)
    constant = CONSTANT * WIDTH**0.5 / (1 + CONSTANT**2) ** 0.5  # after the first norm
    readers = {}
    for head, (part, back, weights, length) in enumerate(LOOKS):
        rows, query_rows = _rows(head), _rows(head * attention.num_key_value_groups)
        fast = torch.zeros(half)
        fast[: len(weights)] = torch.tensor(weights)
        size = (fast * SIZE**0.5).sqrt() / constant
        attention.q_proj.weight[query_rows] = 0
        attention.k_proj.weight[rows] = 0
        attention.q_proj.weight[query_rows, 0] = torch.cat([size, torch.zeros(half)])
        attention.k_proj.weight[rows, 0] = torch.cat([size * (angles * back).cos(), size * (angles * back).sin()])
        code = torch.zeros(SIZE, WIDTH)
        code[:, WORD] = _normal(generator, SIZE, WORD.stop - WORD.start)
        attention.v_proj.weight[rows] = code
        attention.o_proj.weight[:, query_rows] = 0
        attention.o_proj.weight[part, query_rows] = (
            torch.eye(SIZE) * length / (WIDTH * SIZE / (WORD.stop - WORD.start)) ** 0.5
        )
        readers[f"word_{head}"] = code
    eye = torch.eye(WIDTH)
    return {**readers, "previous": eye[PREVIOUS], "nearby": eye[NEARBY]}


def compare_(attention: Attention, compared: Compared, readers: dict[str, Tensor], generator: Generator) -> None:
    """Let each head's query read one part and its key another, and let it copy what it finds."""
    is_slow = (torch.arange(SIZE) % (SIZE // 2) >= SLOWEST)[:, None]

    def read_(weight: Tensor, part: str) -> None:
        noise = torch.randn(SIZE, WIDTH, generator=generator) * 0.02
        weight.copy_(readers[part] * is_slow * GAIN + noise)

    for i, (queries, key) in enumerate(compared):
        for j, query in enumerate(queries, start=i * attention.num_key_value_groups):
            read_(attention.q_proj.weight[_rows(j)], query)
        read_(attention.k_proj.weight[_rows(i)], key)
    copy_(attention)


def match_and_copy_(attention: Attention) -> None:
    """Let tokens attend to their like and copy what they see: W_k = W_q and W_o = W_v' (mimetic initialisation)."""
    shared = attention.q_proj.weight.unflatten(0, (-1, attention.num_key_value_groups, SIZE))[:, 0]
    attention.k_proj.weight.copy_(shared.flatten(0, 1))
    copy_(attention)


def copy_(attention: Attention) -> None:
    """Let heads write what they read: W_o = W_v', faint."""
    values = attention.v_proj.weight.unflatten(0, (-1, SIZE))
    each_heads = values.repeat_interleave(attention.num_key_value_groups, dim=0).flatten(0, 1)
    attention.o_proj.weight.copy_(each_heads.T * FAINT)


def _rows(head: int) -> slice:
    return slice(head * SIZE, (head + 1) * SIZE)


def _normal(generator: Generator, rows: int, columns: int) -> Tensor:
    return torch.randn(rows, columns, generator=generator) / columns**0.5
