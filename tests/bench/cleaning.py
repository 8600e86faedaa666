"""Quality of cleaning by cross-validation over sites: every page is cleaned by a judge that saw no page of its site.

Writes the cleaned rows to build/bench and scores them with the tools beside the development data.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline.article import Page
from pipeline.configure import shared_data
from pipeline.ingest import clean
from pipeline.ingest.learn import lessons_from_articles, lessons_from_pages, lessons_from_templates, teach
from tests.sample import CORPORA

FOLDS = 5
OUT = Path("build/bench")


def folds(sites: list[str]) -> dict[str, int]:
    """Return a fold for each site, the largest sites spread first, so that folds are of like size."""
    sizes = [0] * FOLDS
    chosen = {}
    for site in sorted(set(sites), key=lambda s: (-sites.count(s), s)):
        fold = sizes.index(min(sizes))
        chosen[site] = fold
        sizes[fold] += sites.count(site)
    return chosen


def main() -> int:
    """Clean every page of the development data out of fold, both as HTML and as flattened text."""
    data = shared_data()
    if data is None:
        print("The development data is not here (set TAOWEN_DATA); cleaning is not measured.")
        return 0
    source = data / "pages-dev.jsonl.gz"
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        pages: list[dict[str, Any]] = [json.loads(line) for line in lines]
    lessons = lessons_from_pages(source)
    made = lessons_from_templates(data / "news-pool.jsonl.gz", CORPORA / "templates")
    fold_of = folds([page["site"] for page in pages])
    OUT.mkdir(parents=True, exist_ok=True)
    rows: dict[str, dict[str, str]] = {"html": {}, "text": {}}
    for fold in range(FOLDS):
        taught = {site for site, number in fold_of.items() if number != fold}
        articles = lessons_from_articles(data / "news-pool.jsonl.gz", source, taught)
        judge = teach([x for x in lessons if x.site in taught] + articles + made)
        for page in pages:
            if page["site"] in taught:
                continue
            for way in rows:
                article = clean(Page(id=page["id"], **{way: page[way]}), judge=judge)
                rows[way][page["id"]] = article.text
    for way, texts in rows.items():
        path = OUT / f"cleaned-{way}.jsonl"
        path.write_text("".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in texts.items()), "utf-8")
        print(f"== {way}", flush=True)
        subprocess.run([sys.executable, data.parent / "tools" / "score_cleaning.py", source, path], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
