"""Models and tokenizers small enough to be built inside a test."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast

BYTES = {**{"<unk>": 0, "<s>": 1, "</s>": 2}, **{f"<0x{byte:02X}>": 3 + byte for byte in range(256)}}


def toy_tokenizer(words=(), *, bos=True):
    """A token a byte, and a token for each of some words (write " Yes" for one with its space)."""
    vocabulary = dict(BYTES)
    for word in words:
        vocabulary.setdefault(word, len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], byte_fallback=True, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([])
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_tokens(list(words))
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>" if bos else None,
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="</s>",
    )


def toy_model(*, seed=0, layers=2, width=16, vocabulary=320, context=512, dtype=torch.float32, config=None):
    """A random Llama, or a random model of another configuration, that decides by more than rounding."""
    config = config or LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=max(2, width // 32),
        num_key_value_heads=max(2, width // 32),
        max_position_embeddings=context,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)
    return model.to(dtype).eval().requires_grad_(False)
