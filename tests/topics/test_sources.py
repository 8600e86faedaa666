from __future__ import annotations

import json
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

CORPORA = Path(__file__).parents[2] / "corpora"


def test_every_label_has_its_source_and_commit_listed() -> None:
    counts: Counter[str] = Counter()
    commits: dict[str, set[str]] = defaultdict(set)
    for line in (CORPORA / "labels.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        counts[row["repo"]] += 1
        commits[row["repo"]].add(row["commit"])
    with (CORPORA / "sources.toml").open("rb") as file:
        sources = tomllib.load(file)["sources"]
    listed = {source["repository"].removeprefix("https://github.com/"): source for source in sources}
    for repository, count in counts.items():
        assert listed[repository]["articles"] == count, repository
        assert commits[repository] <= set(listed[repository]["commits"]), repository
