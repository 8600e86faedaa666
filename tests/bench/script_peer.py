"""Run by the Python of a package's own environment: script_peer.py NAME < JOBS > ANSWERS, both JSON.

Jobs are [what, texts]: what is a configuration of OpenCC, or `identify`. For each the answer has the results and the
least CPU seconds of three passes; null where the package has no such thing. Nothing of taowen is installed there.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

ZHCONV = {"t2s": "zh-hans", "tw2s": "zh-hans", "hk2s": "zh-hans", "tw2sp": "zh-cn", "s2t": "zh-hant", "s2tw": "zh-tw"}
ZHCONV |= {"s2twp": "zh-tw", "s2hk": "zh-hk", "t2tw": "zh-tw", "t2hk": "zh-hk"}


def way(name: str, what: str) -> Callable[[str], Any] | None:
    """Return what the package makes of a text."""
    if name == "hanzidentifier":
        import hanzidentifier  # type: ignore[import-not-found,unused-ignore]

        return hanzidentifier.identify if what == "identify" else None
    if what == "identify":
        return None
    if name == "zhconv-rs":
        from zhconv_rs import zhconv  # type: ignore[import-not-found,unused-ignore]

        return (lambda text: zhconv(text, ZHCONV[what])) if what in ZHCONV else None
    if name == "opencc-pyo3":
        from opencc_pyo3 import OpenCC  # type: ignore[import-not-found,unused-ignore]
    else:
        from opencc import OpenCC
    try:
        convert: Callable[[str], Any] = OpenCC(what).convert
        convert("中")
    except Exception:  # whatever a package raises for a configuration that it does not have
        return None
    return convert


def main() -> None:
    """Do the jobs."""
    answers: list[Any] = []
    for what, texts in json.load(sys.stdin):
        found = way(sys.argv[1], what)
        if found is None:
            answers.append(None)
            continue
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            results = [found(text) for text in texts]
            best = min(best, time.process_time() - start)
        answers.append([results, best])
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
