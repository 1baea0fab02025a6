"""Rows in the two official formats of which no real rows lie beside the checkout, and a folder in that layout."""

import json

WIC = [
    {
        "word": "place",
        "sentence1": "Do you want to come over to my place later?",
        "sentence2": "He has no place.",
        "label": 0,
    },
    {"word": "hold", "sentence1": "The general ordered to hold the bridge.", "sentence2": "Hold the fort.", "label": 1},
    {
        "word": "summer",
        "sentence1": "We like to summer in the hills.",
        "sentence2": "They summered by the sea.",
        "label": 1,
    },
    {"word": "bank", "sentence1": "A bank of clouds.", "sentence2": "He sat on the bank of the river.", "label": 0},
]
MULTIRC = [
    {
        "paragraph": 'The animals slept. The fox, who had eaten, did not; "quiet", said the owl.',
        "question": "Who did not sleep?",
        "answer": answer,
        "label": label,
    }
    for answer, label in (("The fox", 1), ("The owl", 0), ("the fox, who had eaten", 1), ("A hen", 0))
]


def write_official(folder, rows_by_task, *, splits=("train", "validation")):
    """Write rows as ``<folder>/<task>/<split>.jsonl``; validation rows differ from train rows in their first field."""
    for task, rows in rows_by_task.items():
        for split in splits:
            file = folder / task / f"{split}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(json.dumps(_of_split(row, split)) + "\n" for row in rows))
    return folder


def _of_split(row, split):
    first = next(iter(row))
    return row if split == "train" else {**row, first: f"{row[first]} again"}
