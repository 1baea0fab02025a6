"""The ``mazo`` command: one subcommand a stage, whose module is imported only when it is chosen."""

import argparse
import sys
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

from mazo import __version__
from mazo.errors import MazoError
from mazo.forkserver import FORKED, KILLED, hand_over
from mazo.joblog import job_log, one_line_each
from mazo.machine import killed, machine_faults_told
from mazo.memory import keep_freed_memory


def _seed(text: str) -> int:
    seed = int(text)
    if not 0 <= seed < 2**31:
        raise argparse.ArgumentTypeError(f"wanted a whole number from 0 to {2**31 - 1}; found {text}")
    return seed


CONFIG: dict = {
    "type": Path,
    "required": True,
    "metavar": "FILE",
    "help": "the suite: YAML, or JSON as resolved",
}
FOLDER: dict = {"type": Path, "required": True, "metavar": "DIR"}
FILE: dict = {"type": Path, "required": True, "metavar": "FILE"}
CELL: dict[str, dict] = {
    "config": CONFIG,
    "model": {"required": True, "metavar": "NAME", "help": "key of models"},
    "mix": {"required": True, "metavar": "NAME", "help": "key of mixes"},
    "method": {"required": True, "metavar": "NAME", "help": "key of methods; of a single-task run METHOD@TASK"},
    "seed": {"required": True, "type": _seed, "metavar": "N", "help": "the run's seed"},
}
DATA: dict[str, dict] = {"data": FOLDER | {"help": "the rows that `mazo prepare` wrote"}}
MASK: dict[str, dict] = {"mask": {"type": Path, "metavar": "FILE", "help": "the mask of a masked method"}}
REFERENCE: dict = FOLDER | {"help": "the reference's folder"}
CLAIMS: dict[str, dict] = {"claims": FILE | {"help": "the claims, their measurements and decision rules: YAML"}}
PUBLISHED: dict[str, dict] = {"published": FILE | {"help": "the published figures: YAML"}}
RESULTS: dict[str, dict] = {"config": CONFIG, "results": FOLDER | {"help": "the suite's folder"}}

COMMANDS: dict[str, tuple[str, dict[str, dict]]] = {
    "check": ("check a suite and all that it needs: settings, rows, models", {"config": CONFIG}),
    "plan": (
        "estimate runs, forwards, memory, disk and GPU-hours of a suite, with no weight loaded",
        {
            "config": CONFIG,
            "cards": {"nargs": "*", "metavar": "CARD", "help": "cards of mazo/plan/cards.yaml (default: all)"},
            "results": {"type": Path, "metavar": "DIR", "help": "the suite's folder: measured lengths, records"},
            "out": {"type": Path, "metavar": "DIR", "help": "a folder for plan.md and plan.csv"},
        },
    ),
    "prepare": (
        "write a task's rows",
        {
            "config": CONFIG,
            "task": {"required": True, "metavar": "NAME"},
            "out": FOLDER | {"help": "all tasks' folder"},
        },
    ),
    "lengths": (
        "measure how long the rows are for a model, and how many do not fit its context",
        {"config": CONFIG, "model": CELL["model"]} | DATA | {"out": FILE | {"help": "a JSON file"}},
    ),
    "score": ("score the weights' importance", CELL | DATA | {"out": FILE | {"help": "scores.safetensors"}}),
    "mask": (
        "turn scores, or a rule that needs none, into a mask",
        CELL
        | {
            "scores": {"type": Path, "metavar": "FILE", "help": "what `mazo score` wrote"},
            "out": FILE | {"help": "mask.safetensors"},
        },
    ),
    "train": ("train one run of the grid", CELL | DATA | MASK | {"out": FOLDER | {"help": "the run's folder"}}),
    "evaluate": (
        "score a run's model on the test rows and write its record",
        CELL | DATA | MASK | {"out": FOLDER | {"help": "the run's folder, as trained"}},
    ),
    "replay": (
        "rebuild a run's trained model from its base model and its step log, with no forward",
        {
            "model": {"required": True, "metavar": "PATH", "help": "the base model: folder, hub id or embedded:NAME"},
            "revision": {"metavar": "COMMIT", "help": "for a hub id"},
            "device": {
                "default": "cpu",
                "metavar": "NAME",
                "help": "the device that the run trained on (default: cpu)",
            },
            "steps": FILE | {"help": "the run's steps.log"},
            **MASK,
            "task": {"metavar": "NAME", "help": "for MTL-LoRA: the task whose model is wanted"},
            "out": FOLDER | {"help": "a new folder for model, configuration and tokenizer"},
        },
    ),
    "inspect": (
        "describe masks (two are compared), step logs and records",
        {
            "paths": {"nargs": "+", "type": Path, "metavar": "FILE"},
            "picture": {"type": Path, "metavar": "FILE", "help": "draw the mask: a .png or .svg file"},
        },
    ),
    "tables": ("write the tables from the records", RESULTS),
    "sizes": ("write the table of the data: rows, short splits, cut inputs", RESULTS),
    "published": (
        "write our scores beside published figures",
        RESULTS | PUBLISHED,
    ),
    "transfer": ("write the transfer matrix of the single-task methods", RESULTS),
    "compare": ("compare every method with the reference method, from the samples", RESULTS),
    "convergence": ("write the table of convergence from the loss curves", RESULTS),
    "figures": ("draw the figures from the records", RESULTS),
    "conflict": (
        "measure the cosines of the tasks' gradients at the untrained model",
        {"config": CONFIG, "model": CELL["model"], "mix": CELL["mix"]} | DATA | {"out": FILE | {"help": "a JSON file"}},
    ),
    "tune": (
        "train a method at every point of its grid, for its dev loss",
        {
            "config": CONFIG,
            "model": CELL["model"],
            "mix": CELL["mix"],
            "method": {"required": True, "metavar": "NAME", "help": "key of tune.grids"},
            **DATA,
            "out": FILE | {"help": "the trials, JSON"},
        },
    ),
    "tuning": ("write the tuning report and the chosen settings, from the trials", RESULTS),
    "tuned": (
        "fill the chosen settings into their suite",
        {
            "table": FILE | {"help": "tuned.yaml"},
            "out": FILE | {"help": "the suite's YAML file, with the two markers"},
        },
    ),
    "probe": (
        "measure noise, conflict and rank of the tasks' gradients inside and outside a run's mask, before training",
        CELL | DATA | MASK | {"out": FILE | {"help": "a JSON file"}},
    ),
    "claims": ("give a verdict on each of the paper's claims", RESULTS | CLAIMS),
    "pack": (
        "put all that a suite's tables, figures and claims are made from into one small file",
        RESULTS | CLAIMS | PUBLISHED | {"out": FILE | {"help": "records.tar.xz"}},
    ),
    "regenerate": (
        "make every table and figure from a pack alone, and compare the tables with a reference's byte for byte",
        {
            "records": FILE | {"help": "what `mazo pack` wrote"},
            "reference": REFERENCE,
            "out": FOLDER | {"help": "a new folder"},
        },
    ),
    "html": (
        "write a suite's tables and figures as one page that reads offline",
        RESULTS
        | {
            "captions": FOLDER | {"help": "the figures' captions, workflow/report"},
            "assumptions": FILE | {"help": "docs/assumptions.md"},
        },
    ),
    "explain": (
        "trace cells of the main table to records, settings, code, model, mask and rows",
        RESULTS | {"cells": {"nargs": "+", "metavar": "CELL", "help": "METHOD/TASK or MODEL/MIX/METHOD/TASK"}},
    ),
    "verify": (
        "compare a run's scores, differences and ranks with a reference's, cell by cell",
        {"reference": REFERENCE, "results": FOLDER | {"help": "the suite's folder"}},
    ),
    "ledger": ("compare a ledger's alternatives with its default, by dev loss", RESULTS),
    "effects": (
        "fill the measured effects of assumed choices into their page",
        {
            "table": {"required": True, "nargs": "+", "type": Path, "metavar": "FILE", "help": "ledgers' tables, CSV"},
            "out": FILE | {"help": "a page with the two markers"},
        },
    ),
    "pretrain": (
        "rebuild an embedded model from nothing",
        {
            "architecture": {"required": True, "choices": ["llama", "mistral"]},
            "out": FOLDER | {"help": "the model's folder"},
        },
    ),
    "card": (
        "write an embedded model's measurements",
        {
            "config": CONFIG,
            "model": CELL["model"],
            "table": FILE,
            "conflict": FILE,
            "out": FILE | {"help": "a Markdown file"},
        },
    ),
    "schema": ("write the JSON schema of a suite", {"out": FILE | {"help": "a YAML file"}}),
    "keys": ("renew the table of keys in config/README.md", {"out": FILE | {"help": "a file with the two markers"}}),
}


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    top = argparse.ArgumentParser(prog="mazo", description="MaZO: masked zeroth-order multi-task fine-tuning.")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (text, options) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        for option, settings in options.items():
            is_positional = "nargs" in settings and "required" not in settings
            command.add_argument(option if is_positional else f"--{option}", **settings)
        command.add_argument("--log", type=Path, metavar="FILE", help="send what the stage says to this file")
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand; an input at fault ends in one line on standard error and status 2.

    :param argv: Its arguments; the process's own, when absent, may be run by a process that has the libraries imported.
    """
    if argv is None and sys.argv[1:2] and sys.argv[1] in FORKED and (status := hand_over(sys.argv[1:])) is not None:
        if status == KILLED:
            print(f"mazo: {killed(sys.argv[1])}", file=sys.stderr)
        return status
    options = vars(parser().parse_args(argv))
    command, log = options.pop("command"), options.pop("log")
    place = "/".join(
        str(options[key]) for key in ("task", "model", "mix", "method", "seed") if options.get(key) is not None
    )
    name = f"{command} {place}".strip()
    keep_freed_memory()
    try:
        # Told inside, so that the log says it in a line; and outside, for the log's own file.
        told = machine_faults_told(command)
        with machine_faults_told(command), job_log(log, name=name) if log else nullcontext(), told:
            import_module(f"mazo.stages.{command}").run(**_inputs(options))
    except MazoError as error:
        print(one_line_each(error), file=sys.stderr)
        return 2
    return 0


def _inputs(options: dict) -> dict:
    """Read the suite, and pick the run where the options name one."""
    if "config" not in options:
        return options
    from mazo.config import select_run
    from mazo.configfile import load_suite

    suite = load_suite(options.pop("config"))
    if "seed" not in options:
        return options | {"suite": suite}
    cell = {key: options.pop(key) for key in ("model", "mix", "method", "seed")}
    return options | {"run": select_run(suite, **cell)}
