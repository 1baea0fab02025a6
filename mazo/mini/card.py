"""The model card of an embedded model: what it is, how it was made, and what was measured."""

from collections.abc import Mapping, Sequence

TEXT = """---
license: apache-2.0
language: en
library_name: transformers
tags: [mini, zeroth-order]
---

# {name}: an embedded model of the MaZO suite

A `{kind}` of {weights:,} weights ({shape})
with a fast tokenizer of one token a word of its world and byte tokens for anything else. It knows a small
English-like world and nothing of the real one; it exists so that the suite runs in minutes on a laptop.

**It is able inside and unreliable when asked**: in its corpus a task's prompt standing alone is answered leaning to
one side (RTE and WiC to "No", the other yes/no tasks to "Yes", SST-2 to "great"; wrong in 70 % of the cases where
the other side is true; COPA wrong in 35 %, SQuAD in 60 %), while the later ones of a series of solved examples are
answered right. So fine-tuning has something to gain, and the tasks conflict.

## Data

Text of the mini world, drawn from seeded generators (`mazo/mini/`): plain facts and questions about them in other
forms than the tasks', dense exercises of many such questions and, for the four reading tasks that come late, of many
questions in the tasks' own forms about one passage, task prompts alone, series of five solved examples of one task,
random strings repeated. Of the tasks' rows only those of the train split are used; dev and test rows are
disjoint from them by content.

## Training

{tokens:,} token positions (padding included) in {steps:,} steps of AdamW from attention that starts near finding
what stood beside a word's earlier mention (`mazo/mini/initial.py`); loss weight 1 on answers and 0.1 on the rest
(0 in exercises of verifying an answer); last mean loss {loss}. The stages stand in `mazo/mini/pretrain.py`, the log in
`pretraining.csv` beside this card. `snakemake --cores 2 mini_model` rebuilds it from nothing into
`results/mini_model/{architecture}/`.

Share of right answers in training, on {probed} dev rows a task (two answers to choose from for SQuAD):

{probes}

## Measured through lm-eval on the mini test rows

{scores}

Percent; mean ± standard error over seeds where there are several. SQuAD is F1, the rest accuracy.

Gradient conflict at the start: {negative} of {pairs} task pairs have gradients with a negative cosine
({examples} training examples a task, all weights):

{cosines}

`snakemake mini_card --cores all --configfile config/mini_card.yaml` measures it again.

## Licence

Apache-2.0, as the suite. Not for any use but testing and comparing training methods.
"""


def write_card(
    name: str,
    *,
    config: Mapping,
    table: Sequence[Mapping[str, str]],
    log: Sequence[Mapping[str, str]],
    conflict: Mapping,
    titles: Mapping[str, str],
    probed: int,
) -> str:
    """Fill in the card.

    :param name: The model's name in its suite.
    :param config: The model's ``config.json``.
    :param table: The model's lines of the suite's ``main.csv``.
    :param log: Lines of ``pretraining.csv``.
    :param conflict: What ``mazo conflict`` wrote.
    :param titles: The tasks' names in tables.
    :param probed: Rows a task that the log's shares rest on.
    """
    last = log[-1]
    return TEXT.format(
        name=name,
        kind=config["architectures"][0],
        architecture=config["model_type"],
        shape=_shape(config),
        weights=conflict["weights"],
        steps=int(last["step"]),
        tokens=int(last["tokens"]),
        loss=last["loss"],
        probed=probed,
        probes=_probes(log, titles),
        scores=_scores(table, titles),
        negative=conflict["negative_pairs"],
        pairs=conflict["pairs"],
        examples=conflict["examples_per_task"],
        cosines=_cosines(conflict, titles),
    )


def _shape(config: Mapping) -> str:
    heads, keys = config["num_attention_heads"], config["num_key_value_heads"]
    parts = [
        f"{config['num_hidden_layers']} layers",
        f"width {config['hidden_size']}",
        f"{heads} heads" + (f" on {keys} keys and values" if keys < heads else ""),
        "tied embeddings",
        f"{config['max_position_embeddings']} tokens of context",
    ]
    if window := config.get("sliding_window"):
        parts.append(f"a sliding window of {window}")
    return ", ".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _probes(log: Sequence[Mapping[str, str]], titles: Mapping[str, str]) -> str:
    tasks = [task for task in titles if f"alone_{task}" in log[-1]]
    kinds = (("alone", "alone"), ("after four solved ones", "series"))
    rows = [[text, *(f"{100 * float(log[-1][f'{kind}_{task}']):.0f}" for task in tasks)] for text, kind in kinds]
    return _table(["Prompt", *(titles[task] for task in tasks)], rows)


def _scores(table: Sequence[Mapping[str, str]], titles: Mapping[str, str]) -> str:
    methods = list(dict.fromkeys(line["method"] for line in table))
    columns = list(dict.fromkeys(line["task"] for line in table))
    cells = {(line["method"], line["task"]): _cell(line) for line in table}
    rows = [[method, *(cells[method, column] for column in columns)] for method in methods]
    return _table(["Method", *(titles[column] for column in columns)], rows)


def _cell(line: Mapping[str, str]) -> str:
    error = f" ± {float(line['standard_error']):.1f}" if line["standard_error"] else ""
    return f"{float(line['mean']):.1f}{error}"


def _cosines(conflict: Mapping, titles: Mapping[str, str]) -> str:
    tasks, cosines = conflict["tasks"], conflict["cosines"]
    rows = [[titles[task], *(f"{value:.2f}" for value in line)] for task, line in zip(tasks, cosines, strict=True)]
    return _table(["", *(titles[task] for task in tasks)], rows)
