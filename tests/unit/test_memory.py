import os
import subprocess
import sys

import pytest

from mazo import memory
from mazo.memory import keep_freed_memory, peak_memory

GROWTH = """
from mazo.memory import peak_memory
before = peak_memory()
block = b"1" * 2**26
after = peak_memory()
del block
print(after - before, peak_memory() - after)
"""


def test_the_peak_grows_by_what_is_allocated_and_stays_when_it_is_freed():
    output = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True).stdout
    grown, changed = map(int, output.split())
    assert 2**26 * 0.9 < grown < 2**26 * 1.5
    assert abs(changed) < 2**20  # the kernel counts in batches


def test_where_torch_has_used_gpus_their_peaks_count(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_initialized", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.max_memory_allocated", lambda device: [5, 7][device])
    assert peak_memory() == 12


def test_torch_that_is_not_imported_is_not_asked():
    program = "import sys; from mazo.memory import peak_memory; print(peak_memory(), 'torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert (int(said[0]) > 2**20, said[1]) == (True, "False")


FAULTS = """
import ctypes, resource
from mazo.memory import keep_freed_memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        blocks = [libc.malloc(2**22) for _ in range(8)]
        for block in blocks:
            ctypes.memset(block, 1, 2**22)
        for block in blocks:
            libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(faults(), keep_freed_memory(), faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="sets what glibc has")
def test_memory_that_is_freed_is_used_again_without_asking_for_it():
    environment = {name: value for name, value in os.environ.items() if name not in memory.OWN_SETTINGS}
    command = [sys.executable, "-c", FAULTS]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
    if output[1] == "False":
        pytest.skip("needs glibc")
    assert int(output[2]) < int(output[0]) / 5


def test_a_users_own_settings_are_left_alone(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: pytest.fail("asked"))
    assert not keep_freed_memory()


def test_another_c_library_is_left_alone(monkeypatch):
    for name in memory.OWN_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert not keep_freed_memory()
