"""What all tests share: how Hypothesis runs, and where the repository's own data and the real data lie.

`derandomize` makes a run the same everywhere; to look further: `pytest --hypothesis-profile=search`.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from pipeline.configure import shared_data

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell gives its background jobs, and what they start, no interrupts; the tests of interrupts need them.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# As the command does it: threads of the linear algebra only wait for each other on matrices this small.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The first example of a test loads tables and models, up to two seconds for jieba's: no deadline.
settings.register_profile("taowen", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile("taowen")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def sample(root: Path) -> Path:
    """The sample dump."""
    return root / "corpora" / "sample"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the real texts."""
    folder = shared_data()
    if folder is None:
        pytest.skip("the real data is not here (set TAOWEN_DATA)")
    return folder
