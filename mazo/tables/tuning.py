"""The tuning report: every trial, the choice, and the block of settings that a suite ships."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from mazo.digests import settings_digest
from mazo.files import write_text
from mazo.overrides import Overrides
from mazo.tables.layout import markdown_table
from mazo.tuning import Trial, Tuning, chosen_settings

BEGIN = "# tuned: begin (written by `mazo tuned`)"
END = "# tuned: end"
COLUMNS = ("model", "mix", "method", "settings", "dev_loss", "chosen", "steps", "seconds", "fault")


def write_tuning_tables(tunings: Sequence[Tuning], out: Path) -> None:
    """Write ``tuning.csv``, every trial; ``tuning.md``, the report; ``tuned.yaml``, the chosen settings."""
    write_text(out / "tuning.csv", to_csv(tunings))
    write_text(out / "tuning.md", to_markdown(tunings))
    write_text(out / "tuned.yaml", to_yaml(tunings))


def to_csv(tunings: Sequence[Tuning]) -> str:
    """Write a line a trial, numbers in full."""
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    for tuning in tunings:
        where = {"model": tuning.model, "mix": tuning.mix, "method": tuning.method}
        for trial in tuning.trials:
            found = {"dev_loss": trial.dev_loss, "chosen": int(trial is tuning.best), "fault": trial.fault}
            cost = {"steps": trial.steps, "seconds": trial.seconds}
            table.writerow(where | {"settings": json.dumps(trial.settings)} | found | cost)
    return out.getvalue()


def to_markdown(tunings: Sequence[Tuning]) -> str:
    """Write a table a model and mix: the trials in the grid's order, the chosen one in bold."""
    parts = []
    for model, mix in dict.fromkeys((tuning.model, tuning.mix) for tuning in tunings):
        own = [tuning for tuning in tunings if (tuning.model, tuning.mix) == (model, mix)]
        rows = [
            [
                tuning.label,
                str(len(tuning.trials)),
                "; ".join(_cell(trial, is_best=trial is tuning.best) for trial in tuning.trials),
                ", ".join(tuning.at_edge),
            ]
            for tuning in own
        ]
        table = markdown_table(["Method", "Trials", "Settings: dev loss", "At the grid's edge"], rows)
        parts.append(f"### {model}, mix {mix}\n\n{table}\n\n{provenance(own)}\n")
    return "\n".join(parts)


def provenance(tunings: Sequence[Tuning]) -> str:
    """Say in one paragraph what the numbers are."""
    first, steps = tunings[0], sorted({trial.steps for tuning in tunings for trial in tuning.trials})
    diverged = sum(trial.dev_loss is None for tuning in tunings for trial in tuning.trials)
    return (
        f"Mean dev loss over tasks after the last step ({', '.join(map(str, steps))} by method) of one run at seed "
        f"{first.seed}, {first.batch_per_task} examples a task and step, on {first.dev_examples} dev examples a "
        f"task; the lowest is chosen, in bold. Every method has {len(first.trials)} trials; {diverged} of all stopped "
        f"early, as their loss was no longer finite. Weights {first.dtype}, untrained model "
        f"{first.base_checksum[:12]}, code {first.code}. No test row was read."
    )


def to_yaml(tunings: Sequence[Tuning]) -> str:
    """Write the chosen settings as a suite holds them, with where they come from."""
    text = yaml.safe_dump({"tuned": chosen_settings(tunings)}, sort_keys=False, default_flow_style=None, width=120)
    trials = settings_digest(to_csv(tunings))
    return f"# From {sum(len(tuning.trials) for tuning in tunings)} trials on dev rows, digest {trials}.\n{text}"


def _cell(trial: Trial, *, is_best: bool) -> str:
    loss = "diverged" if trial.dev_loss is None else f"{trial.dev_loss:.3f}"
    text = f"{_settings(trial.settings)}: {loss}"
    return f"**{text}**" if is_best else text


def _settings(settings: Overrides) -> str:
    return ", ".join(
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}" for key, value in settings.items()
    )
