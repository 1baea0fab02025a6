"""The embedded suite: a small English-like world, its eight tasks, and a model pretrained on its text."""
