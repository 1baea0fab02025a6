"""Random models of LLaMA's shape and random prompts: only sizes and times of what is done with them mean anything."""

from dataclasses import dataclass

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from mazo.batches import EncodedExample, encode_example
from mazo.encoding import EncodedPair
from mazo.huge_pages import move_to_huge_pages_
from mazo.seeding import numpy_generator


@dataclass(frozen=True)
class Shape:
    """The sizes of a model whose input and output embeddings are one."""

    width: int
    depth: int
    mlp: int
    heads: int
    vocabulary: int = 1024


SHAPES = {
    "0.75M": Shape(128, 4, 256, 4),
    "7M": Shape(256, 8, 704, 4),
    "30M": Shape(512, 9, 1408, 8),
    "7M-32k": Shape(128, 14, 352, 4, vocabulary=32_000),
    "30M-32k": Shape(512, 4, 1408, 8, vocabulary=32_000),
    "100M": Shape(768, 14, 2048, 12),
    "100M-32k": Shape(768, 11, 2048, 12, vocabulary=32_000),
}


def random_llama(shape: Shape) -> LlamaForCausalLM:
    """Build a model in float32 on the CPU, its weights where a loaded model has them."""
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.mlp,
        num_hidden_layers=shape.depth,
        num_attention_heads=shape.heads,
        max_position_embeddings=512,
        tie_word_embeddings=True,
    )
    generator_state = torch.get_rng_state()
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).eval().requires_grad_(False)
    torch.set_rng_state(generator_state)
    move_to_huge_pages_(model)
    return model


def random_examples(*, tasks: int, per_task: int, tokens: int, vocabulary: int) -> list[EncodedExample]:
    """Return prompts of random tokens, each with two answers of one token."""
    draw = numpy_generator(0, "benchmark")
    examples = []
    for task in range(tasks):
        for _ in range(per_task):
            context = draw.integers(5, vocabulary, tokens).tolist()
            both = [EncodedPair(context, [3], 0), EncodedPair(context, [4], 0)]
            examples.append(encode_example(both, task=task, is_choice=True, gold=0))
    return examples
