"""What the rules hold, whatever the suite: quoted words, resources, rows that changed, a folder to work in."""

import json
import os
import re
import shlex
import subprocess
from contextlib import suppress

import pytest
import yaml
from bad_inputs import ROW, good_suite, write_rows
from full_disk import small_file_system
from test_smoke_workflow import REPOSITORY, SNAKEMAKE, snakemake

RULES = {
    name: text
    for file in sorted((REPOSITORY / "workflow" / "rules").glob("*.smk"))
    for name, text in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", file.read_text(), re.MULTILINE | re.DOTALL)
}
COMMANDS = {name: text.partition("    shell:\n")[2] for name, text in RULES.items() if "    shell:\n" in text}
(LOCAL,) = re.findall(r"^localrules:\n(.*?)^\S", (REPOSITORY / "Snakefile").read_text(), re.MULTILINE | re.DOTALL)
WORDS = {"CELL", "params.mask", "params.scores"}
"""What stands for several words, or none; each is quoted where it is made."""


@pytest.mark.parametrize("rule", COMMANDS)
def test_a_rules_command_quotes_all_that_it_is_given(rule):
    given = re.findall(r"\{+([^{}]+)\}+", COMMANDS[rule])
    assert given
    assert [name for name in given if not name.endswith(":q") and name not in WORDS] == []


def test_the_words_that_name_a_run_are_quoted():
    common = (REPOSITORY / "workflow" / "rules" / "common.smk").read_text()
    (cell,) = re.findall(r'^CELL = "(.*)"', common, re.MULTILINE)
    assert all(name.endswith(":q") for name in re.findall(r"\{([^{}]+)\}", cell))


def test_a_checkout_may_lie_in_a_folder_with_a_space(tmp_path):
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    for name in ("Snakefile", "workflow", "profiles", "config", "docs", "results"):
        (checkout / name).symlink_to(REPOSITORY / name)
    targets = ("published", "claims", "report_html", "pack", "verify", "regenerate")
    options = ("--snakefile", checkout / "Snakefile", "--dry-run", "--printshellcmds", "--quiet", "host")
    said = snakemake(tmp_path, *options, "--configfile", checkout / "config" / "mini.yaml", "--", *targets)
    shown = [line.partition("Shell command: ")[2] for line in said.splitlines()]
    commands = [shlex.split(line) for line in shown if str(checkout) in line]
    assert len(commands) == len(targets)
    assert not [words for words in commands if str(tmp_path / "a") in words]


@pytest.mark.parametrize("rule", sorted(set(COMMANDS) - set(LOCAL.replace(",", " ").split())))
def test_a_rule_that_a_cluster_runs_asks_for_memory_and_time_itself(rule):
    """Those of a profile are lost to the same option on the command line."""
    assert "mem_mb=per_attempt(" in RULES[rule]
    assert "runtime=per_attempt(" in RULES[rule]


def test_rows_that_changed_in_their_folder_are_prepared_again_however_old(tmp_path):
    suite = good_suite(tmp_path) | {"models": {"m": {"path": "embedded:llama"}}}
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite))
    report = tmp_path / "results" / "bad" / "data" / "rte" / "report.json"
    options = ("--configfile", tmp_path / "suite.yaml", "--", str(report.relative_to(tmp_path)))
    snakemake(tmp_path, *options)
    assert "Nothing to be done" in snakemake(tmp_path, "--dry-run", *options)
    before = json.loads(report.read_text())["splits"]["test"]["sha256"]
    rows = tmp_path / "rows" / "rte" / "validation.jsonl"
    write_rows(rows, [ROW | {"premise": f"Another {i}"} for i in range(6)])
    os.utime(rows, (0, 0))
    assert "Nothing to be done" not in snakemake(tmp_path, "--dry-run", *options)
    snakemake(tmp_path, *options)
    assert json.loads(report.read_text())["splits"]["test"]["sha256"] != before


@pytest.fixture
def disk(tmp_path):
    """A full file system."""
    with small_file_system(tmp_path / "disk") as place:
        with suppress(OSError):
            (place / "other").write_bytes(bytes(2**17))
        yield place


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("ro", "mazo: .snakemake: wanted to be allowed to write or read it; found "),
        ("rw", "mazo: working folder: the disk is full: free some space and start again"),
    ],
)
def test_a_folder_that_cannot_be_worked_in_is_told_in_a_line(option, told, disk):
    subprocess.run(["mount", "-o", f"remount,{option}", str(disk)], check=True)
    command = [SNAKEMAKE, "--snakefile", REPOSITORY / "Snakefile", "--directory", disk, "--cores", "1", "--configfile"]
    smoke = REPOSITORY / "config" / "smoke.yaml"
    done = subprocess.run([*command, smoke], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(told)
    assert "Traceback" not in done.stdout + done.stderr
