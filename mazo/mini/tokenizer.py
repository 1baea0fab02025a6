"""The tokenizer of the embedded models: a token a word of the world, and bytes for anything else."""

from pathlib import Path

from mazo.mini import lexicon

SPACE = "▁"
SPECIAL = ("<unk>", "<s>", "</s>")
PUNCTUATION = (".", ",", "?", ":", '"', "\n", SPACE, *(SPACE + mark for mark in '."?:,'))
FORM_WORDS = """
a an the is in at to of and or not but with near by was were this that it its has have had holds took went
stays does did who where what which says so because she he true false yes no Yes No Does Is Question Answer
Title Context I found answer correct word same meaning these two sentences mean hypothesis In previous
sentence pronoun refer It great terrible saw spoke came likes With The A means here about liked hated again
asked told reply said Where Who What ? Here sold bought from gave received lent borrowed showed taught learned
followed walked before after older younger than taller shorter won against lost sent got letter So
"""


def vocabulary() -> list[str]:
    """List the world's words in a fixed order."""
    groups = (lexicon.NAMES, lexicon.PLACES, lexicon.OBJECTS, lexicon.COLORS, lexicon.TITLES, lexicon.REVIEWED)
    words = {name.lower() for name in lexicon.NAMES}
    words |= {word for group in (*groups, lexicon.PRAISE, lexicon.BLAME, lexicon.DEGREES) for word in group}
    words |= lexicon.words_of(FORM_WORDS, *(form for pair in lexicon.INVERSES for form in pair))
    words |= {word for verb, sides in lexicon.BECAUSE.items() for word in (verb, *sides[0], *sides[1])}
    words |= {word for topic, nouns in lexicon.TOPICS.items() for word in (topic, *nouns)} | set(lexicon.SENSES)
    events = [event for pair in lexicon.CAUSES for side in pair for event in side]
    words |= lexicon.words_of(*events)
    words |= {event.split()[0].lower() for event in events} | {_capital(event.split()[0]) for event in events}
    return [*sorted(words - {"A"}), "A"]


def _capital(word: str) -> str:
    return word[0].upper() + word[1:]


def build_tokenizer(folder: Path) -> None:
    """Write the tokenizer in Hugging Face format.

    SentencePiece's conventions (a word starts with "▁", unknown characters become byte tokens) with one addition: a
    word after a newline or a quotation mark gets its "▁" too, so that every word has one token wherever it stands.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *PUNCTUATION, *(SPACE + w for w in vocabulary())]
    scores = [0.0] * len(SPECIAL) + [-20.0] * 256 + [-1.0] * (len(pieces) - 256 - len(SPECIAL))
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=0, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace(Regex(r"\n(?=[^\s])"), "\n "), normalizers.Replace(Regex(r'"(?=\w)'), '" ')]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="first")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", SPECIAL.index("<s>"))]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    ).save_pretrained(folder)
