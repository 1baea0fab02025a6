import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mazo.forkserver import KILLED, THREADS, VARIABLE, hand_over, start_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="jobs are forked on Linux alone")
CELL = ["--model", "m", "--mix", "all", "--method", "mazo", "--seed", "0"]
MAZO = [sys.executable, "-c", "import sys; from mazo.cli import main; sys.exit(main())"]


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def one_thread(monkeypatch):
    for name, value in THREADS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(VARIABLE, raising=False)


def mazo(*arguments, **options):
    return subprocess.run([*MAZO, *arguments], capture_output=True, text=True, timeout=120, **options)


@pytest.mark.usefixtures("one_thread")
def test_a_forked_command_does_what_it_does_alone(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    server = start_server(tmp_path, preload=["torch"])
    commands = [["mask", "--help"], ["mask"], ["mask", "--config", "absent", "--out", "mask.safetensors", *CELL]]
    for command in commands:
        served, alone = mazo(*command), mazo(*command, env=os.environ | {VARIABLE: ""})
        assert (served.returncode, served.stdout, served.stderr) == (alone.returncode, alone.stdout, alone.stderr)
        assert served.stdout or served.stderr
    server.stdin.close()
    assert server.wait(timeout=30) == 0


@pytest.mark.usefixtures("one_thread")
def test_a_server_that_cannot_import_leaves_jobs_to_themselves(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    server = start_server(tmp_path, preload=["no_such_module"])
    assert mazo("mask", "--help").returncode == 0
    server.stdin.close()
    assert server.wait(timeout=30) == 1


JOB = """
import sys
from mazo.forkserver import hand_over
sys.exit(hand_over([sys.argv[1]]))
"""
SERVER = """
import os, socket, sys, time
from pathlib import Path
from mazo import forkserver

def run(arguments):
    match arguments[0]:
        case "tell":
            print(os.getpid(), Path.cwd(), os.environ["ASKED"], sorted(os.sched_getaffinity(0)), sys.stdin.read())
            return 7
        case "fail":
            raise ValueError("told")
        case "exit":
            sys.exit("a reason")
        case "die":
            os.kill(os.getpid(), 9)
        case "stay":
            Path("pid").write_text(str(os.getpid()))
            time.sleep(600)

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
sys.exit(forkserver.serve(listener, run))
"""


@pytest.fixture
def toy_server(one_thread, tmp_path, monkeypatch):
    address = tmp_path / "toy"
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(address)], stdin=subprocess.PIPE)
    wait_for(address.exists)
    monkeypatch.setenv(VARIABLE, str(address))
    yield process
    process.stdin.close()
    assert process.wait(timeout=30) == 0


def job(name, **options):
    return subprocess.run([sys.executable, "-c", JOB, name], capture_output=True, text=True, timeout=120, **options)


def test_a_job_has_its_senders_folder_environment_processors_and_streams(toy_server, tmp_path):
    (tmp_path / "here").mkdir()
    only = min(os.sched_getaffinity(0))
    told = job(
        "tell",
        cwd=tmp_path / "here",
        env=os.environ | {"ASKED": "yes"},
        input="read",
        preexec_fn=lambda: os.sched_setaffinity(0, {only}),
    )
    pid, folder, asked, processors, read = told.stdout.split()
    assert (folder, asked, processors, read) == (str(tmp_path / "here"), "yes", f"[{only}]", "read")
    assert told.returncode == 7
    assert int(pid) != toy_server.pid


def test_a_job_that_fails_tells_why(toy_server):
    failed = job("fail")
    assert failed.returncode == 1
    assert failed.stderr.endswith("ValueError: told\n")
    assert job("exit").returncode == 1
    assert job("die").returncode == KILLED
    assert job("tell", env=os.environ | {"ASKED": "still"}, input="").returncode == 7


def test_a_job_dies_with_its_sender(toy_server, tmp_path):
    sender = subprocess.Popen([sys.executable, "-c", JOB, "stay"], cwd=tmp_path)
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    pid = (tmp_path / "pid").read_text()
    sender.send_signal(signal.SIGKILL)
    sender.wait()
    wait_for(lambda: not Path("/proc", pid).exists())


def test_a_job_outlives_its_server(toy_server, tmp_path):
    sender = subprocess.Popen([sys.executable, "-c", JOB, "stay"], cwd=tmp_path)
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    toy_server.stdin.close()
    toy_server.wait(timeout=30)
    assert sender.poll() is None
    assert Path("/proc", (tmp_path / "pid").read_text()).exists()
    sender.kill()
    sender.wait()


@pytest.mark.usefixtures("one_thread")
def test_no_job_is_handed_over_without_a_server_or_with_other_threads(tmp_path, monkeypatch):
    assert hand_over(["--version"]) is None
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nobody"))
    assert hand_over(["--version"]) is None
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "somebody"))
        listener.listen()
        monkeypatch.setenv(VARIABLE, str(tmp_path / "somebody"))
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        assert hand_over(["--version"]) is None


def test_no_server_is_started_where_its_address_is_too_long(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    assert start_server(tmp_path / ("long" * 30)) is None
    assert os.environ[VARIABLE] == ""
