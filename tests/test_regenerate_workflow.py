"""Tables from a committed pack through the workflow, in a checkout that holds nothing else of the suite."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pack_by_hand import make_by_stages, pack, write_finished

REPOSITORY = Path(__file__).resolve().parents[1]


def regenerate(checkout: Path) -> subprocess.CompletedProcess:
    """Run the checkout's workflow in a folder of its own."""
    command = [Path(sys.executable).parent / "snakemake", "regenerate", "--cores", "1"]
    command += ["--snakefile", checkout / "Snakefile", "--directory", checkout.parent / "work"]
    command += ["--configfile", checkout / "suite.json"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=1800)


def test_committed_tables_come_out_and_an_altered_one_fails_the_workflow(tmp_path):
    checkout, ran = tmp_path / "checkout", tmp_path / "ran"
    reference = checkout / "results" / "reference" / "hand"
    write_finished(ran)
    make_by_stages(ran)
    assert pack(ran, reference / "records.tar.xz") == 0
    shutil.move(ran / "tables", reference / "tables")
    shutil.copyfile(ran / "config.json", checkout / "suite.json")
    shutil.copyfile(REPOSITORY / "Snakefile", checkout / "Snakefile")
    for folder in ("workflow", "config"):
        shutil.copytree(REPOSITORY / folder, checkout / folder)
    shutil.rmtree(ran)

    done = regenerate(checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "results/hand/tables" not in done.stdout, "the summary names tables that are not there"
    fresh = tmp_path / "work" / "results" / "hand" / "regenerated"
    assert (fresh / "figures" / "claims.svg").exists()
    for file in (reference / "tables").iterdir():
        assert (fresh / "tables" / file.name).read_bytes() == file.read_bytes(), file

    table = reference / "tables" / "ranks.csv"
    table.write_text(table.read_text().replace("mazo,rte,1", "mazo,rte,9"))
    done = regenerate(checkout)
    assert done.returncode != 0
    assert "ranks.csv: differs in line " in done.stdout + done.stderr
