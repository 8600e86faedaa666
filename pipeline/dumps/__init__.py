"""Many pages, exactly once: tasks that commit themselves, run by any scheduler any number of times."""

from __future__ import annotations
