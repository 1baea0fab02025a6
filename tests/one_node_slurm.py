"""A real SLURM of one node on this machine, for tests: controller, node daemon and authentication, started and stopped.

    python tests/one_node_slurm.py FOLDER     # runs until interrupted; sbatch, squeue and scancel work meanwhile

Needs root, Linux, and Debian's packages munge, slurmctld, slurmd and slurm-client. All state lies in FOLDER, but for
the link ``/etc/slurm/slurm.conf``: job steps look nowhere else for it.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

CONF = Path("/etc/slurm/slurm.conf")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")
SETTINGS = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
NodeName={host} NodeAddr=127.0.0.1 {hardware} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/node
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=100000
ReturnToService=2
MinJobAge=3600
"""


def missing() -> str:
    """Say why SLURM cannot be started here; nothing where it can."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    if absent := [program for program in PROGRAMS if shutil.which(program, path=path) is None]:
        return f"needs SLURM's programs; {', '.join(absent)} not found"
    if os.geteuid() != 0:
        return "needs root, to start SLURM's daemons"
    if CONF.exists() and not CONF.is_symlink():
        return f"{CONF} belongs to a SLURM of this machine"
    return ""


@contextmanager
def one_node_slurm(folder: Path) -> Iterator[None]:
    """Start a SLURM whose state lies in ``folder``, wait until its node is idle, and stop it at the end."""
    for name in ("controller", "node"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    conf = folder / "slurm.conf"
    conf.write_text(SETTINGS.format(host=_output("hostname", "-s"), hardware=_hardware(), folder=folder).lstrip())
    CONF.parent.mkdir(exist_ok=True)
    CONF.unlink(missing_ok=True)
    CONF.symlink_to(conf)
    own = [f"--{option}={folder}/munge.{end}" for option, end in MUNGE]
    daemons: list[subprocess.Popen] = []
    try:
        daemons.append(_start(folder, "munged", "--force", "--foreground", *own))
        _wait(lambda: (folder / "munge.socket").is_socket(), "munged's socket", folder)
        daemons.append(_start(folder, "slurmctld", "-D", "-i"))
        daemons.append(_start(folder, "slurmd", "-D"))
        _wait(lambda: _output("sinfo", "-h", "-o", "%T") == "idle", "an idle node", folder)
        yield
    finally:
        for daemon in reversed(daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
        CONF.unlink(missing_ok=True)


MUNGE = (("socket", "socket"), ("key-file", "key"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))


def _hardware() -> str:
    """Return processors and memory as slurmd finds them."""
    words = _output("/usr/sbin/slurmd", "-C").split()
    return " ".join(word for word in words if word.startswith(("CPUs=", "RealMemory=")))


def _start(folder: Path, program: str, *options: str) -> subprocess.Popen:
    with (folder / f"{program}.out").open("w") as out:
        return subprocess.Popen([f"/usr/sbin/{program}", *options], stdout=out, stderr=out)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _wait(is_there: Callable[[], bool], wanted: str, folder: Path, *, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > end:
            said = "".join(f"== {log.name}\n{log.read_text()}" for log in sorted(folder.glob("*.[ol]*")))
            raise RuntimeError(f"SLURM: waited {seconds:g} s for {wanted}\n{said}")
        time.sleep(0.1)


if __name__ == "__main__":
    if reason := missing():
        sys.exit(reason)
    with one_node_slurm(Path(sys.argv[1]).resolve()):
        print(_output("sinfo"))
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
