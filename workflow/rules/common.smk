"""The suite as checked, the names its grid allows, and where everything lies."""

import os
import re
import sys

from mazo.checks import check_suite
from mazo.configfile import parse_suite
from mazo.config import select_run
from mazo.digests import code_digest, settings_digest
from mazo.errors import MazoError
from mazo.grid import is_masked, is_trained, model_files, run_folder, runs, stage_digest
from mazo.joblog import one_line_each

# The rules call `mazo` of the environment that runs this workflow, activated or not.
os.environ["PATH"] = (
    f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
)

try:
    SUITE = parse_suite(
        config, where=", ".join(map(os.path.relpath, workflow.configfiles))
    )
    check_suite(SUITE)
except MazoError as error:
    sys.exit(one_line_each(error))

RESULTS = f"results/{SUITE.suite}"
CONFIG = f"{RESULTS}/config.json"
DATA = f"{RESULTS}/data"
RUN = f"{RESULTS}/runs/{{model}}/{{mix}}/{{method}}/seed_{{seed}}"
LOGS = f"{RESULTS}/logs"
CELL = "--config {input.config} --model {wildcards.model} --mix {wildcards.mix} --method {wildcards.method} --seed {wildcards.seed}"
RUNS = [f"{RESULTS}/{run_folder(run)}" for run in runs(SUITE)]
TRAINED = [f"{RESULTS}/{run_folder(run)}" for run in runs(SUITE) if is_trained(run)]


wildcard_constraints:
    task="|".join(SUITE.tasks),
    model="|".join(map(re.escape, SUITE.models)),
    mix="|".join(map(re.escape, SUITE.mixes)),
    method="|".join(map(re.escape, SUITE.methods)),
    seed="|".join(map(str, SUITE.seeds)),


def cell(wildcards):
    return select_run(
        SUITE,
        model=wildcards.model,
        mix=wildcards.mix,
        method=wildcards.method,
        seed=int(wildcards.seed),
    )


def settings(stage):
    return lambda wildcards: stage_digest(cell(wildcards), stage)


def data_of(wildcards):
    return [f"{DATA}/{task}/report.json" for task in cell(wildcards).tasks]


def model_of(wildcards):
    return model_files(cell(wildcards).model)


def mask_of(wildcards):
    return (
        f"{RUN}/mask.safetensors".format(**wildcards)
        if is_masked(cell(wildcards))
        else []
    )


def training_of(wildcards):
    return (
        f"{RUN}/train.json".format(**wildcards) if is_trained(cell(wildcards)) else []
    )


def mask_option(wildcards, input):
    return f"--mask {input.mask}" if input.mask else ""


def closing_summary():
    with open(f"{RESULTS}/tables/main.md", encoding="utf-8") as table:
        return "\n".join(
            [
                "",
                table.read(),
                f"Tables:  {RESULTS}/tables/main.{{csv,md,tex}}",
                f"Figures: {RESULTS}/figures/radar.{{svg,png}}, loss.{{svg,png}}",
                f"Records: {RESULTS}/runs/**/record.json, one a run; logs: {LOGS}/",
            ]
        )
