"""What a user would build: pool_peer.py FOLDER OUT. trafilatura, OpenCC, jieba and scikit-learn in a pool of two.

Stands by itself, with the Python of its own environment. The model is a linear one on hashed TF-IDF words with as many
labels as taowen's; it is fitted on noise, since only its speed counts.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

BATCH = 32


@cache
def tools() -> tuple[Any, ...]:
    import jieba  # type: ignore[import-not-found,import-untyped,unused-ignore]
    import numpy as np
    from opencc import OpenCC  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from sklearn.feature_extraction.text import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        HashingVectorizer,
        TfidfTransformer,
    )
    from sklearn.linear_model import SGDClassifier  # type: ignore[import-not-found,import-untyped,unused-ignore]

    words = HashingVectorizer(analyzer=jieba.lcut, n_features=2**18)
    weights = TfidfTransformer().fit(words.transform(["關稅 談判", "稀土 出口"]))
    chance = np.random.default_rng(8)
    noise = weights.transform(
        words.transform(["".join(map(chr, chance.integers(0x4E00, 0x9FA0, 80))) for _ in range(40)])
    )
    models = [SGDClassifier(loss="log_loss", random_state=n).fit(noise, [0, 1] * 20) for n in range(3)]
    return OpenCC("t2s"), words, weights, models


def work(pages: list[dict[str, str]]) -> list[dict[str, Any]]:
    import trafilatura  # type: ignore[import-not-found,unused-ignore]

    converter, words, weights, models = tools()
    texts = [trafilatura.extract(page["html"], include_comments=False) or "" for page in pages]
    simplified = [converter.convert(text) for text in texts]
    features = weights.transform(words.transform(simplified))
    scores = [model.predict_proba(features)[:, 1].tolist() for model in models]
    told = zip(pages, texts, simplified, *scores, strict=True)
    return [{"id": page["id"], "text": text, "normalised": other, "topics": own} for page, text, other, *own in told]


def batches(folder: str) -> Iterator[list[dict[str, str]]]:
    for path in sorted(Path(folder).iterdir()):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            while batch := [json.loads(line) for line in islice(lines, BATCH)]:
                yield batch


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool, Path(sys.argv[2]).open("w", encoding="utf-8") as out:
        for rows in pool.map(work, batches(sys.argv[1])):
            for row in rows:
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
