"""MaZO: masked zeroth-order multi-task fine-tuning of language models, and the suite that compares it."""

__version__ = "0.1.0"
