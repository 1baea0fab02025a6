"""The suite as checked, the names its grid allows, and where everything lies."""

import os
import re
import shlex
import sys
from pathlib import Path

from mazo.ablations import find_ablations
from mazo.checks import check_suite
from mazo.configfile import parse_suite, read_content
from mazo.config import select_run
from mazo.digests import code_digest, settings_digest
from mazo.errors import MazoError
from mazo.files import sha256, write_text
from mazo.forkserver import FORKED, start_server
from mazo.grid import (
    is_adapted,
    is_masked,
    is_scored,
    is_trained,
    masked_method,
    probe_file,
    run_folder,
    runs,
    stage_digest,
)
from mazo.html import ASSETS
from mazo.joblog import one_line_each
from mazo.ledger import list_trials
from mazo.machine import machine_faults_told
from mazo.model_files import model_files
from mazo.official import task_folder
from mazo.pack import PACK
from mazo.tables.published import has_published, read_published
from mazo.tasks.official import SOUND

# The rules call `mazo` of the environment that runs this workflow, activated or not. A prefix takes the place of
# snakemake's own, without which a command that fails into a pipe would pass.
shell.prefix(
    f'set -euo pipefail; PATH={shlex.quote(os.path.dirname(sys.executable))}:"$PATH"; '
)


# Snakemake, which keeps its records here, tells a full disk or a folder that may not be written by a traceback.
def check_room():
    with machine_faults_told("working folder"):
        Path(".snakemake").mkdir(exist_ok=True)
        if not workflow.output_settings.dryrun:
            room = Path(".snakemake", "room")
            try:
                room.write_bytes(bytes(4096))
            finally:
                room.unlink(missing_ok=True)


try:
    # What is checked once need not be checked again by each job of a cluster. Snakemake takes the last of equal keys.
    if workflow.is_main_process:
        for file in workflow.configfiles:
            read_content(Path(file))
    SUITE = parse_suite(
        config, where=", ".join(map(os.path.relpath, workflow.configfiles))
    )
    if workflow.is_main_process:
        check_suite(SUITE)
        check_room()
    PUBLISHED = read_published(Path(workflow.basedir, "config", "published.yaml"))
except MazoError as error:
    sys.exit(one_line_each(error))

RESULTS = f"results/{SUITE.suite}"
CONFIG = f"{RESULTS}/config.json"
DATA = f"{RESULTS}/data"
REFERENCE = f"{workflow.basedir}/results/reference/{SUITE.suite}"
RUN = f"{RESULTS}/runs/{{model}}/{{mix}}/{{method}}/seed_{{seed}}"
LOGS = f"{RESULTS}/logs"
CELL = "--config {params.config:q} --model {wildcards.model:q} --mix {wildcards.mix:q} --method {wildcards.method:q} --seed {wildcards.seed:q}"
RUNS = [f"{RESULTS}/{run_folder(run)}" for run in runs(SUITE)]
ROWS = settings_digest([[run.method_name, run.method.label] for run in runs(SUITE)])
SINGLE_TASK = [
    f"{RESULTS}/{run_folder(run)}" for run in runs(SUITE) if "@" in run.method_name
]
COMPARED = settings_digest(
    [SUITE.reference_method, SUITE.statistics.model_dump(), SUITE.data.seed]
)
PROBES = [
    f"{RESULTS}/{probe_file(run)}"
    for run in runs(SUITE)
    if run.method_name == masked_method(SUITE)
]
EXTRA_TABLES = [
    *(
        ["official"]
        if SUITE.evaluation.official and not set(SOUND).isdisjoint(SUITE.tasks)
        else []
    ),
    *(["lora"] if any(is_adapted(run) for run in runs(SUITE)) else []),
    *(["overhead"] if any(is_masked(run) for run in runs(SUITE)) else []),
    *(["ablation"] if find_ablations(SUITE) else []),
]
HAS_PUBLISHED = has_published(SUITE, PUBLISHED)
TRAINED = [f"{RESULTS}/{run_folder(run)}" for run in runs(SUITE) if is_trained(run)]


# Written as jobs start and no rule's input: snakemake does not look at the parameters of jobs downstream of one that
# runs, so a changed setting would go unseen. What a stage depends on stands in its parameters, as digests; the rest of
# the file may change without re-running it. Keys keep their order, which is the order of the table's rows.
onstart:
    write_text(Path(CONFIG), SUITE.model_dump_json(indent=1) + "\n")
    # Snakemake's limit on the rate of job starts sets a timer whenever it looks for jobs, and looks for jobs at every
    # timer: after some hundred jobs that takes a tenth of a core. On one machine there is nothing to limit.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None
    on_cpu = all(model.device == "cpu" for model in SUITE.models.values())
    if workflow.local_exec and on_cpu:
        jobs = [job.rule.name for job in workflow.dag.needrun_jobs()]
        if sum(name in FORKED for name in jobs) > 2:
            start_server(workflow.snakemake_tmp_dir)


wildcard_constraints:
    task="|".join(SUITE.tasks),
    model="|".join(map(re.escape, SUITE.models)),
    mix="|".join(map(re.escape, SUITE.mixes)),
    method="|".join(sorted({re.escape(run.method_name) for run in runs(SUITE)})),
    seed="|".join(map(str, SUITE.seeds)),
    tuned="|".join(map(re.escape, SUITE.methods)),


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


def tested_data_of(wildcards):
    return [f"{DATA}/{task}/report.json" for task in cell(wildcards).tested]


# With the rows of a folder by their content, and not as inputs: those unpacked from an archive are as old as in it.
def data_settings(wildcards):
    settings = SUITE.data.model_dump(mode="json")
    if SUITE.data.source_of(wildcards.task) != "folder":
        return settings_digest(settings)
    folder = task_folder(wildcards.task, SUITE.data)
    rows = [sha256(folder / f"{split}.jsonl") for split in ("train", "validation")]
    return settings_digest([settings, rows])


def model_of(wildcards):
    return model_files(cell(wildcards).model)


# MiB and minutes for the embedded models and small ones; `mazo plan` tells what a suite of large models needs.
MEMORY = 4000
MINUTES = 60
TRAINING_MINUTES = 240


def per_attempt(amount):
    return lambda wildcards, attempt: attempt * amount


# One, also for a model spread over several, whose number no setting tells: --set-resources train:gpu=4.
def gpus_of(wildcards):
    return int(SUITE.models[wildcards.model].device.startswith("cuda"))


# A mask from scores loads no model.
def mask_gpus_of(wildcards):
    return 0 if is_scored(cell(wildcards)) else gpus_of(wildcards)


def scores_of(wildcards):
    return (
        f"{RUN}/scores.safetensors".format(**wildcards)
        if is_scored(cell(wildcards))
        else []
    )


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


def parent(path, *, level):
    return os.path.join(*Path(path).parts[:-level])


def mask_option(wildcards, input):
    return f"--mask {shlex.quote(input.mask)}" if input.mask else ""


def scores_option(wildcards, input):
    return f"--scores {shlex.quote(input.scores)}" if input.scores else ""


def trials(wildcards):
    if not SUITE.tune.grids:
        sys.exit(
            f"tune.grids: wanted values to try for each method; found none in {SUITE.suite}"
        )
    return expand(
        f"{RESULTS}/tune/{{model}}/{{mix}}/{{tuned}}.json",
        model=SUITE.models,
        mix=SUITE.mixes,
        tuned=[name for name in SUITE.methods if name in SUITE.tune.grids],
    )


def tune_settings(wildcards):
    method, model = SUITE.methods[wildcards.tuned], SUITE.models[wildcards.model]
    shared = [model, SUITE.data, SUITE.training, SUITE.scoring, method]
    return settings_digest(
        [part.model_dump(mode="json") for part in shared]
        + [
            SUITE.mixes[wildcards.mix],
            SUITE.tune.seed,
            SUITE.tune.trials(wildcards.tuned),
        ]
    )


def table(name):
    return multiext(f"{RESULTS}/tables/{name}", ".csv", ".md", ".tex")


def figure(name):
    return multiext(f"{RESULTS}/figures/{name}", ".svg", ".png")


def ledger_runs(wildcards):
    try:
        list_trials(SUITE)
    except MazoError as error:
        sys.exit(one_line_each(error))
    return [f"{run}/{file}" for run in TRAINED for file in ("train.json", "curve.csv")]


def _all(*names):
    return "{" + ",".join([*names, *(["transfer"] if SINGLE_TASK else [])]) + "}"


def closing_summary():
    table = Path(RESULTS, "tables", "main.md")
    if not table.exists():
        return f"Logs: {LOGS}/"
    lines = [
        table.read_text(encoding="utf-8"),
        f"Tables:  {RESULTS}/tables/{_all('main', 'comparison', 'ranks', 'cost', 'data', 'convergence', *EXTRA_TABLES)}.{{csv,md,tex}}",
        f"Figures: {RESULTS}/figures/{_all('radar', 'loss', 'forest', 'ranks')}.{{svg,png}}",
        *(
            [f"Report:  {RESULTS}/report.html"]
            if Path(RESULTS, "report.html").exists()
            else []
        ),
        f"Records: {RESULTS}/runs/**/record.json, one a run; logs: {LOGS}/",
    ]
    return "\n".join(lines)
