"""What a suite will take before anything of it runs: runs, forwards, tokens, memory, disk, GPU-hours."""
