"""Jobs that start with the libraries imported, forked from a process that did no more than import them.

Importing torch, transformers and lm-eval takes seconds, of which a workflow of short jobs spends more than on some of
its trainings. A server imports them once and forks a child for every command line that :func:`hand_over` sends.
The child works in the sender's folder, with its environment, standard streams, processors and umask, and dies with it.
"""

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

VARIABLE = "MAZO_FORK_SERVER"
"""Environment variable that names the server's socket."""
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""What the libraries read when they are imported: a job with other values imports them itself."""
FORKED = ("score", "mask", "train", "evaluate", "tune", "probe")
"""The stages whose jobs are many and need those libraries; others import what they need sooner than a server."""
LIBRARIES = (*(f"mazo.stages.{stage}" for stage in FORKED), "lm_eval.tasks", "lm_eval.evaluator")
LONGEST_ADDRESS = 100
"""Bytes; the system takes 108."""
KILLED = 128 + signal.SIGKILL
"""Exit status, as a shell tells it, of a job that ended without one."""

Run = Callable[[list[str]], int]


def start_server(
    folder: Path, *, program: str = "mazo.cli", preload: Sequence[str] = LIBRARIES
) -> subprocess.Popen | None:
    """Start a server that this process's children find, and that ends with this process; none where forking is unsafe.

    Jobs that come before its imports are done wait for them.

    :param folder: Where its socket lies, open to this user alone.
    :param program: Module whose ``main`` runs a command line.
    :param preload: Modules to import before the first fork.
    """
    address = str(folder.absolute() / "jobs")
    if sys.platform != "linux" or len(address) > LONGEST_ADDRESS:
        return None
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(128)
    server = subprocess.Popen(  # noqa: S603 (this interpreter)
        [sys.executable, "-m", __name__, str(listener.fileno()), program, *preload],
        stdin=subprocess.PIPE,
        env=os.environ | THREADS,
        pass_fds=[listener.fileno()],
    )
    listener.close()
    os.environ[VARIABLE] = address
    return server


def hand_over(arguments: Sequence[str]) -> int | None:
    """Have a command line run by the server that :data:`VARIABLE` names, and return its exit status.

    None where there is no server, or none for this job: the caller then does the work itself.
    """
    address = os.environ.get(VARIABLE)
    if not address or any(os.environ.get(name) != threads for name, threads in THREADS.items()):
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
        except OSError:
            return None
        umask = os.umask(0)
        os.umask(umask)
        job = {
            "arguments": list(arguments),
            "folder": str(Path.cwd()),
            "environment": dict(os.environ),
            "umask": umask,
            "processors": list(os.sched_getaffinity(0)),
        }
        try:
            socket.send_fds(connection, [b"\n"], [0, 1, 2])
            connection.sendall(json.dumps(job).encode())
            connection.shutdown(socket.SHUT_WR)
            begun = connection.recv(1)
        except OSError:
            return None
        if not begun:
            return None
        status = connection.recv(16)
    return int(status) if status else KILLED


def serve(listener: socket.socket, run: Run) -> int:
    """Fork a child for each connection until standard input ends; return the status to exit with, a child its job's."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if listener not in ready:
            return 0
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return _work(connection, run)
        connection.close()


def _work(connection: socket.socket, run: Run) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as request:
        job = json.load(request)
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    connection.sendall(b"\n")
    _take_on(job["environment"], folder=job["folder"], umask=job["umask"], processors=job["processors"])
    is_done = threading.Event()
    threading.Thread(target=_die_with, args=(connection, is_done), daemon=True).start()
    try:
        status = run(job["arguments"])
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    is_done.set()
    connection.sendall(str(status).encode())
    return status


def _take_on(environment: Mapping[str, str], *, folder: str, umask: int, processors: Sequence[int]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.umask(umask)
    os.sched_setaffinity(0, processors)


def _die_with(connection: socket.socket, is_done: threading.Event) -> None:
    """Kill this process when the sender is gone before the end: nothing may write on that its caller thinks dead."""
    poll = select.poll()
    poll.register(connection, select.POLLHUP)
    poll.poll()
    if not is_done.is_set():
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    program, *_ = [import_module(name) for name in sys.argv[2:]]
    sys.exit(serve(socket.socket(fileno=int(sys.argv[1])), program.main))
