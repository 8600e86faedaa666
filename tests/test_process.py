from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.configure import data_path
from pipeline.process import TABLES, tables_digest


@pytest.mark.parametrize("name", TABLES)
def test_another_table_is_another_digest(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = tables_digest()
    assert re.fullmatch("[0-9a-f]{12}", known)
    for table in TABLES:
        (tmp_path / table).write_bytes(data_path(table).read_bytes() + (b"\n" if table == name else b""))
    monkeypatch.setattr("pipeline.process.data_path", tmp_path.joinpath)
    assert tables_digest.__wrapped__() != known


def test_the_digest_has_every_table_of_a_row() -> None:
    """Topics are the model's, words are for spaCy and for training formats, matchers are made of the rules."""
    there = {path.name for path in data_path("").iterdir()}
    assert set(TABLES) == there - {"features.json", "matchers.npz", "topics.toml", "words.txt"}
