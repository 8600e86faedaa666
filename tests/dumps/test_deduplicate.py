from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from pipeline.dumps.deduplicate import find_copies, sketch
from pipeline.dumps.local import run
from pipeline.dumps.status import status, to_text
from pipeline.errors import TaowenError, UsageError
from pipeline.script.fold import fold

from .fakes import Fake, fingerprint, write_lines

SIGNS = "貿易談判關稅稀土出口管制鋼鐵產業會議代表團國際組織協議簽署港口貨輪農產價格市場銀行利率通膨數據發布"


def story(seed: int, sentences: int = 30) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choice(SIGNS) for _ in range(20)) + "。" for _ in range(sentences)]


def clusters(out: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(out / "duplicates.parquet").to_pylist()
    return rows


def test_reprints_are_found_and_nothing_else(tmp_path: Path) -> None:
    first, other = story(1), story(2)
    edited = [sentence for number, sentence in enumerate(first) if number % 10 != 3]
    texts = [
        "".join(first),
        "".join(other),
        fold("".join(first)),  # in the other script
        "".join(edited).replace("，", "、"),
        "".join(first[:22]),
        "".join(first[:4]),  # a quotation is no copy
        "短訊。",
        "短 訊！",
        *("".join(story(seed)) for seed in range(10, 60)),
    ]
    groups = find_copies([sketch(texts[:5]), sketch([]), sketch(texts[5:])], tmp_path).tolist()
    assert groups[:8] == [0, 1, 0, 0, 0, 5, 6, 6]
    assert groups[8:] == list(range(8, len(texts)))


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_run_lists_its_copies_and_keeps_every_row(tmp_path: Path, kind: Any) -> None:
    texts = ["".join(story(n % 3, 12)) if n % 4 else "".join(story(100 + n, 12)) for n in range(24)]
    source = write_lines(tmp_path / "in.jsonl", [*texts, None, "拒"])
    out = tmp_path / "out"
    done = run([source], out, Fake, kind=kind, task_bytes=3000, deduplicate=True)
    rows = clusters(out)
    assert done.copies == (3, 18) and done.counts.written == 24
    assert {row["id"] for row in rows} == {f"in-{n}" for n in range(24) if n % 4}
    for row in rows:
        first = min(n for n in range(24) if n % 4 and n % 3 == int(row["id"].removeprefix("in-")) % 3)
        assert row["representative"] == f"in-{first}" and row["input"] == source
        assert row["copy"] == (row["id"] != row["representative"])
    assert [row["position"] for row in rows] == sorted(row["position"] for row in rows)
    report = json.loads((out / "report.json").read_bytes())
    assert (report["clusters"], report["copies"]) == (3, 18)
    assert "copies: 18 articles in 3 clusters" in to_text(status(out))
    before = fingerprint(out)
    run([source], out, Fake, kind=kind, deduplicate=True, workers=2)
    assert fingerprint(out) == before
    assert run([], out, Fake, kind=kind).copies is None  # not asked for: an old list could be wrong
    assert not (out / "duplicates.parquet").exists()


def test_copies_of_one_id_are_told_apart(tmp_path: Path) -> None:
    for folder in "abc":
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / "index.txt").write_text("".join(story(1)), "utf-8")
    run([str(tmp_path / "in")], tmp_path / "out", Fake, deduplicate=True)
    rows = clusters(tmp_path / "out")
    assert {(row["id"], row["representative"]) for row in rows} == {("index", "index")}
    assert [row["copy"] for row in rows] == [False, True, True]


def test_a_run_without_articles_or_copies(tmp_path: Path) -> None:
    for number, texts in enumerate(([], ["拒"], ["平常"])):
        source = write_lines(tmp_path / f"{number}.jsonl", texts)
        assert run([source], tmp_path / f"{number}", Fake, deduplicate=True).copies == (0, 0)
        assert clusters(tmp_path / f"{number}") == []


def test_what_cannot_be_is_said_before_the_work(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", ["平常"])
    with pytest.raises(UsageError, match="when the shares are done"):
        run([source], tmp_path / "out", Fake, deduplicate=True, share=(0, 2))
    assert not (tmp_path / "out").exists()


def test_a_part_that_was_damaged_is_named(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", ["平常"])
    out = tmp_path / "out"
    run([source], out, Fake)
    (part,) = (out / "parts").iterdir()
    part.write_bytes(b"{" + part.read_bytes()[1:].replace(b'"', b"'", 1))
    with pytest.raises(TaowenError, match="cannot be read"):
        run([source], out, Fake, deduplicate=True)
