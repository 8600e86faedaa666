"""Measurements: quality on the development data, speed beside plain peers. `make bench` runs them all."""

from __future__ import annotations

import os

# Before numpy is imported: figures are of one core. With more threads than that OpenBLAS waits in a busy loop, which
# doubles the CPU seconds of cleaning (151 pages of flattened text: 10.6 s for 5.1 s on two cores).
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
