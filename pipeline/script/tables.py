"""Development step: write `data/fold.tsv`, `data/scripts.tsv` and `data/kept.tsv` from the installed OpenCC.

    python -m pipeline.script.tables

Run it after an upgrade of OpenCC; the tests compare the tables with the installed version. OpenCC's wheel carries
`opencc_dict`, which prints its binary dictionaries as text. Nothing else of taowen imports this module.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pipeline.configure import data_path
from pipeline.errors import InputError

__all__ = ["installed_dictionary", "main"]

_HEADER = """\
# Made by `python -m pipeline.script.tables` from OpenCC {version} (Apache-2.0). Do not edit.
"""
_FOLD_HEADER = """\
# kind, source, target: `normal` compatibility ideographs, replaced first; `char` what one pass of t2s makes of a
# character; `phrase` what it makes of several, the longest at a place first. All keep the number of code points.
"""
_SCRIPTS_HEADER = """\
# Characters that tell the script. Candidates: for hant what t2s changes, for hans what s2t changes and t2s leaves.
# Taken where the articles of news-pool have them at least {ratio} times as often per character as those of the other
# script (後 is, 了 里 台 著 覆 are not), {kept} times where OpenCC may keep the character (几 万 are, 后 and 于 not,
# for 皇后 and the name). Those seen fewer than {seen} times are taken where it never keeps them and, as hant, GB 2312
# lacks them or, as hans, Big5 does.
"""
_KEPT_HEADER = """\
# Words that OpenCC's `tw2sp` (region CN) and `s2twp` (region TW) turn into others, but which that region's own press
# uses: 支持 would become 支援, 執行 would become 运行. Columns: region, word (a key), what OpenCC makes of it, and the
# occurrences of both in the articles of news-pool that `identify` gives that region. Kept are words seen {least} times
# or more, and {share} times as often as the other or more. No count: a longer word that holds one, left to OpenCC.
"""
_KEPT_LEAST = 5
"""Occurrences below which nothing is said of a word."""
_KEPT_SHARE = 0.5
"""Share of the other word's occurrences from which a word is the region's own: 数据 has .76 in Taiwan, 互联网 .1."""
_REGIONAL = {"互联网", "哈萨克", "奔驰", "显卡", "的士", "知识产权", "笔记本电脑", "菜单", "触摸"}
"""Words of the other region that its own press quotes."""
_RATIO = 30
"""How many times as often a telling character is seen in its own script. The pool's own labels are wrong for about one
character in 3,000 (whole articles in the other script), so a ratio beyond some hundreds could not be measured."""
_KEPT_RATIO = 500
"""The same for a Simplified character that is a Traditional one too, so that `runs` does not take 皇后 for spam."""
_SEEN = 20
"""Occurrences below which the pool says nothing of a character."""


def installed_dictionary(name: str) -> dict[str, list[str]]:
    """Return a dictionary of the installed OpenCC, such as `TSPhrases`: for each source its targets, used one first.

    Raises:
        subprocess.CalledProcessError: OpenCC's `opencc_dict` does not run here.
    """
    import opencc

    root = Path(opencc.__file__).parent / "clib"
    libraries = os.pathsep.join(str(path) for path in sorted(root.glob("lib*")))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "dictionary.txt"
        source = root / "share" / "opencc" / f"{name}.ocd2"
        subprocess.run(
            [str(root / "bin" / "opencc_dict"), "-f", "ocd2", "-i", str(source), "-t", "text", "-o", str(out)],
            check=True,
            capture_output=True,
            env=os.environ | {"LD_LIBRARY_PATH": libraries, "DYLD_LIBRARY_PATH": libraries},
        )
        rows = [line.split("\t") for line in out.read_text("utf-8").splitlines()]
    return {source: targets.split(" ") for source, targets in rows}


def _in(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _fold_rows() -> Iterable[str]:
    import opencc

    converter = opencc.OpenCC("t2s")
    normal = installed_dictionary("CJK_Compatibility_Ideographs")
    for source in sorted(normal):
        yield f"normal\t{source}\t{normal[source][0]}"
    for point in range(0x110000):
        source = chr(point)
        if not 0xD800 <= point < 0xE000 and (target := converter.convert(source)) != source:
            yield f"char\t{source}\t{target}"
    phrases = installed_dictionary("TSPhrases")
    for source in sorted(phrases):
        if len(source) > 1:
            yield f"phrase\t{source}\t{phrases[source][0]}"


def _counts() -> dict[str, Counter[str]]:
    """Return how often each character is in the pool's articles of each script.

    Raises:
        InputError: the shared data is not here.
    """
    from pipeline.configure import shared_data

    shared = shared_data()
    if shared is None:
        raise InputError("The shared data that scripts.tsv is measured on is not here. Set TAOWEN_DATA to its folder.")
    counts: dict[str, Counter[str]] = {"hant": Counter(), "hans": Counter(), "mixed": Counter()}
    with gzip.open(shared / "news-pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            counts[row["script"]].update(row["text"])
    return counts


def _scripts() -> dict[str, str]:
    """Return the characters that tell each script, sorted."""
    to_hans = installed_dictionary("TSCharacters")
    to_hant = installed_dictionary("STCharacters")
    candidates = {
        "hant": (to_hans, "gb2312", "hans", _RATIO),
        "hans": ({c: t for c, t in to_hant.items() if c not in to_hans}, "big5", "hant", _KEPT_RATIO),
    }
    counts = _counts()
    totals = {name: counts[name].total() for name in candidates}
    telling: dict[str, str] = {}
    for name, (targets, other_charset, other, kept_ratio) in candidates.items():
        kept: list[str] = []
        for character in sorted(targets):
            mine, theirs = counts[name][character], counts[other][character]
            if mine + theirs >= _SEEN:
                ratio = kept_ratio if character in targets[character] else _RATIO
                tells = mine / totals[name] >= ratio * theirs / totals[other]
            else:
                tells = character not in targets[character] and not _in(character, other_charset)
            if tells:
                kept.append(character)
        telling[name] = "".join(kept)
    return telling


def _kept_rows() -> Iterable[str]:
    """Yield the rows of `kept.tsv`."""
    from pipeline.configure import shared_data
    from pipeline.script.fold import fold
    from pipeline.script.identify import identify

    shared = shared_data()
    if shared is None:
        raise InputError("The shared data that kept.tsv is measured on is not here. Set TAOWEN_DATA to its folder.")
    texts: dict[str, list[str]] = {"CN": [], "TW": []}
    with gzip.open(shared / "news-pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            text = json.loads(line)["text"]
            region = identify(text).region
            if region in texts:
                texts[region].append(fold(text))
    for region, name in (("CN", "TWPhrasesRev"), ("TW", "TWPhrases")):
        press = "\n".join(texts[region])
        words = {fold(source): fold(targets[0]) for source, targets in installed_dictionary(name).items()}
        counts = {word: press.count(word) for form in words.items() for word in form}
        kept = {
            word
            for word, other in words.items()
            if word != other and word not in _REGIONAL and counts[word] >= max(_KEPT_LEAST, _KEPT_SHARE * counts[other])
        }
        for word, other in sorted(words.items()):
            if word in kept:
                yield f"{region}\t{word}\t{other}\t{counts[word]}:{counts[other]}"
            elif any(inner in word for inner in kept):
                yield f"{region}\t{word}\t{other}\t"


def main() -> None:
    """Write the tables."""
    import opencc

    made_by = _HEADER.format(version=opencc.__version__)
    rows = [f"{row}\n" for row in _fold_rows()]
    data_path("fold.tsv").write_text(made_by + _FOLD_HEADER + "".join(rows), "utf-8")
    criteria = _SCRIPTS_HEADER.format(ratio=_RATIO, kept=_KEPT_RATIO, seen=_SEEN)
    rows = [f"{name}\t{characters}\n" for name, characters in _scripts().items()]
    data_path("scripts.tsv").write_text(made_by + criteria + "".join(rows), "utf-8")
    criteria = _KEPT_HEADER.format(least=_KEPT_LEAST, share=_KEPT_SHARE)
    rows = [f"{row}\n" for row in _kept_rows()]
    data_path("kept.tsv").write_text(made_by + criteria + "".join(rows), "utf-8")


if __name__ == "__main__":
    main()
