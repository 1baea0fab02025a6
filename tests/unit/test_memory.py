import subprocess
import sys

from mazo.memory import peak_memory

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
