import subprocess
import sys

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
