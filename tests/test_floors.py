"""The quality of cleaning does not go down."""

from __future__ import annotations

import json

import pytest

from tests.floors import FLOORS, SETS


@pytest.mark.parametrize("name", SETS)
def test_cleaning_is_no_worse_than_its_floor(name: str) -> None:
    measured = SETS[name]()
    if measured is None:
        pytest.skip(f"{name} is not here")
    digest, figures = measured
    floor = json.loads(FLOORS.read_text("utf-8"))["cleaning"][name]
    assert floor["data"] == digest, "the data changed: look at the figures, then pin them with python -m tests.floors"
    assert {key: value for key, value in figures.items() if value < floor[key]} == {}
