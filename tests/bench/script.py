"""Scripts, regions and names: measured on the articles of the pool, beside OpenCC and its kin."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import accumulate
from pathlib import Path
from typing import Any

from pipeline.script.convert import convert
from pipeline.script.fold import fold
from pipeline.script.identify import Script, identify
from pipeline.script.learn_leaning import held_out
from pipeline.script.runs import runs
from pipeline.script.variants import find
from pipeline.script.words import spans

from .quality import records
from .report import table
from .speed import PACKAGES, environment, seconds

__all__ = ["script"]

SEED = 11
PEERS = ("opencc", "opencc-pyo3", "zhconv-rs", "hanzidentifier")
SPLICES = 600
"""Articles of each script that lines, clauses or phrases of the other are spliced into."""
PHRASES = {"phrases of 4 to 24": (4, 24), "phrases of 4 to 12": (4, 12), "phrases of 10 to 24": (10, 24)}
"""Characters of the phrases that are put in anywhere inside a clause, each length as often as the others."""
ROUND_TRIPS = 600
HOMES = {
    "likgjava/eb": "CN",
    "weiqi-kids/agent.cross-border-trade": "CN",
    "x13-caesar/FMPRC_NLP": "CN",
    "Changtzuan/ici_big_data_social_analysis": "TW",
    "bigcaibao/banned-news": "",
    "ourhimalayas/txt": "",
    "Royguo0317/txt": "",
}
MARKED = {"HK": "HK", "TW": "TW", "SG": "SG", "Macau": ""}
"""Where the articles of a repository of news-pool were written, and of a publisher whose name says so."""
LABELS = {"hant": "zh-Hant", "hans": "zh-Hans"}
_EITHER_WAY = (
    "台臺 布佈 劃畫 占佔 周週 了瞭 雇僱 凶兇 污汙 濕溼 秘祕 鑒鑑 勛勳 艷豔 嘆歎 拚拼 盃杯 癡痴 菸煙 恆恒 遶繞 蒐搜 "
    "裡裏 群羣 峰峯 念唸 巨鉅 盡儘 并併 伙夥 讚贊 嘗嚐 桿杆 注註 沈沉 癒愈 份分 床牀 線綫 "
    "匯彙 匯滙 啟啓 説說 着著 双雙 国國"
)
STYLES = frozenset(frozenset(pair) for pair in re.findall(r"\w+", _EITHER_WAY))
"""Characters that Taiwan's press writes either way: a difference of style, not an error."""
_HAN = re.compile("[\u3400-\u9fff]")


def script(data: Path) -> str:
    """Measure all of it."""
    pool = list(records(data / "news-pool.jsonl.gz"))
    parts = [
        _conversion(data, pool),
        _identification(pool),
        _regions(pool),
        _spliced(pool),
        _names(pool),
        _round_trip(pool),
        _gold_words(data),
    ]
    return "\n\n".join(parts)


def _asked(name: str, jobs: Sequence[tuple[str, Sequence[str]]]) -> tuple[str, list[Any]]:
    """Let a package do the jobs in an environment of its own; return its version, or why there is none."""
    python: Path | str = Path(sys.executable) if name == "opencc" else environment(name, PACKAGES[name])
    if isinstance(python, str):
        return python, [None] * len(jobs)
    peer = Path(__file__).with_name("script_peer.py")
    code = f"import importlib.metadata as m; print(m.version('{name}'))"
    version = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run([python, peer, name], input=json.dumps(jobs), capture_output=True, text=True, check=True)
    return version, json.loads(done.stdout)


def _cases(data: Path) -> list[tuple[str, str, str]]:
    """Return OpenCC's own cases: configuration, input, expected. Its file has commas that JSON forbids."""
    path = data / "reference" / "opencc_testcases.json"
    if not path.is_file():
        return []
    cases = json.loads(re.sub(r",(\s*[}\]])", r"\1", path.read_text("utf-8")))["cases"]
    return [(config, case["input"], wanted) for case in cases for config, wanted in case["expected"].items()]


def _until_stable(text: str) -> str:
    from opencc import OpenCC

    converter = OpenCC("t2s")
    while (after := converter.convert(text)) != text:
        text = after
    return text


def _megabytes(texts: Sequence[str]) -> float:
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) / 1e6


def _conversion(data: Path, pool: Sequence[dict[str, Any]]) -> str:
    cases = _cases(data)
    texts = {name: [row["text"] for row in pool if row["script"] == name][::20][:1000] for name in LABELS}
    jobs = [(config, [text]) for config, text, _ in cases] + [("t2s", texts["hant"]), ("s2tw", texts["hans"])]
    rows = []
    for name in PEERS[:3]:
        version, answers = _asked(name, jobs)
        known = [(answer[0][0] == case[2]) for answer, case in zip(answers, cases, strict=False) if answer]
        speeds = [
            f"{_megabytes(chosen) / answer[1]:.0f}" if answer else "-"
            for answer, chosen in zip(answers[-2:], texts.values(), strict=True)
        ]
        rows.append((f"{name} {version}", f"{sum(known)}/{len(known)}", *speeds))
    inputs = [text for config, text, _ in cases if config == "t2s"]
    right = sum(fold(text) == _until_stable(text) for text in inputs)
    took = seconds(lambda: [fold(text) for text in texts["hant"]])
    rows.append(
        ("taowen, fold", f"{right}/{len(inputs)} as t2s until stable", f"{_megabytes(texts['hant']) / took:.0f}", "-")
    )
    hant, hans = Script("zh-Hant", 1.0, "", "zh-Hant"), Script("zh-Hans", 1.0, "", "zh-Hans")
    took = seconds(lambda: [convert(text, "zh-Hans", hant) for text in texts["hant"]])
    back = seconds(lambda: [convert(text, "zh-Hant-TW", hans) for text in texts["hans"]])
    speeds = [f"{_megabytes(texts['hant']) / took:.0f}", f"{_megabytes(texts['hans']) / back:.0f} (with words)"]
    rows.append(("taowen, convert", "by OpenCC", *speeds))
    return table(("conversion, one core", "OpenCC's cases right", "t2s MB/s", "s2tw MB/s"), rows)


def _strings(pool: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield strings of four Han characters, one an article, with the script of the article."""
    chance = random.Random(SEED)
    for row in pool:
        found = re.findall("[\u4e00-\u9fff]{4}", row["text"])
        if row["script"] in LABELS and found:
            yield chance.choice(found), LABELS[row["script"]]


def _by_opencc(headlines: Sequence[tuple[str, str]]) -> list[set[str]]:
    """Tell by OpenCC's tables, and not by ours, which scripts a headline has characters of: both, one or none."""
    from opencc import OpenCC

    to = {"zh-Hant": OpenCC("t2s").convert, "zh-Hans": OpenCC("s2t").convert}  # each changes text of that script only
    return [{name for name, convert in to.items() if convert(text) != text} for text, _ in headlines]


def _identification(pool: Sequence[dict[str, Any]]) -> str:
    labelled = [row for row in pool if row["script"] in LABELS]
    titled = [row for row in labelled if len(_HAN.findall(row["title"])) >= 8]
    headlines = [(row["title"], LABELS[row["script"]]) for row in titled]
    told_by = _by_opencc(headlines)
    # The labels are those of the articles, and some sites put headlines of one script over articles of the other.
    right = [at for at, (_, label) in enumerate(headlines) if not told_by[at] or label in told_by[at]]
    new = [at for at in right if held_out(titled[at]["publisher"])]
    telling = [at for at in right if told_by[at]]
    kinds = {
        "documents": [(row["text"], LABELS[row["script"]]) for row in labelled],
        "headlines of 8 Han characters or more": headlines,
        "those not in another script than their article": [headlines[at] for at in right],
        "of these, those with a character that OpenCC changes": [headlines[at] for at in telling],
        "of these, those with none": [headlines[at] for at in right if not told_by[at]],
        "those, of publishers that leaning.tsv has not seen": [headlines[at] for at in new],
        "strings of four characters": list(_strings(labelled)),
        "the same, of publishers that leaning.tsv has not seen": list(
            _strings([row for row in labelled if held_out(row["publisher"])])
        ),
    }
    rows = []
    for name, items in kinds.items():
        counts: Counter[str] = Counter()
        for text, wanted in items:
            told = identify(text).script
            counts["right" if told == wanted else "wrong" if told in LABELS.values() else told] += 1
        shares = [f"{counts[kind] / len(items):.2%}" for kind in ("right", "wrong", "mixed", "none", "other")]
        rows.append((name, len(items), *shares))
    texts = [row["text"] for row in labelled[::40]]
    took = seconds(lambda: [identify(text) for text in texts])
    with_region = seconds(lambda: [identify(text).region for text in texts])
    version, [answer] = _asked("hanzidentifier", [("identify", texts)])
    beside = f"hanzidentifier {version}"
    if answer:
        beside += f" {_megabytes(texts) / answer[1]:.1f}, {answer[1] / took:.1f} times as long"
    head = ("identify, beside the pool's labels", "texts", "right", "wrong", "mixed", "none", "other")
    speeds = (
        f"MB/s: identify {_megabytes(texts) / took:.1f}, asked for the region too {_megabytes(texts) / with_region:.1f}"
    )
    return f"{table(head, rows)}\n\n{speeds}, {beside}."


def _home(row: dict[str, Any]) -> str | None:
    """Return the region that a publisher writes in, "" for none of ours, None where nothing says it."""
    if row["repo"] in HOMES:
        return HOMES[row["repo"]]
    mark = re.search(r"\((\w+)\)$", row["publisher"])
    return MARKED.get(mark[1]) if mark else None


def _regions(pool: Sequence[dict[str, Any]]) -> str:
    """Tell how many articles of each region get a region, and the right one."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in pool[::2]:
        home = _home(row)
        if home is not None and row["script"] in LABELS:
            told = identify(row["text"]).region
            counts[home, "right" if told and told == home else "wrong" if told else "none"] += 1
    rows = []
    for home in ("TW", "HK", "CN", "SG", ""):
        right, wrong, none = (counts[home, what] for what in ("right", "wrong", "none"))
        known = f"{right / (right + wrong):.2%}" if home else "-"
        rows.append(
            (home or "elsewhere", right + wrong + none, f"{(right + wrong) / (right + wrong + none):.1%}", known)
        )
    right, wrong = (sum(count for (_, what), count in counts.items() if what == kind) for kind in ("right", "wrong"))
    head = ("regions, of every second article", "articles", "answered", "right where answered")
    of_all = f"Of all answers {right / (right + wrong):.2%} are right, those elsewhere counted as wrong."
    return f"{table(head, rows)}\n\n{of_all}"


def _clean_bases(pool: Sequence[dict[str, Any]], name: str) -> list[str]:
    """Return articles that have hardly a character of the other script, by OpenCC's tables and not by ours.

    They are of publishers that neither the trigrams nor the leanings have seen.
    """
    from opencc import OpenCC

    other = OpenCC("t2s" if name == "hans" else "s2t").convert
    chosen: list[str] = []
    for row in pool:
        if row["script"] == name and held_out(row["publisher"]) and len(row["text"]) > 300 and len(chosen) < 1500:
            text = row["text"]
            changed = sum(a != b for a, b in zip(text, other(text), strict=False))
            if changed <= (0.001 if name == "hans" else 0.03) * len(text):
                chosen.append(text)
    return chosen


def _splice(base: str, other: str, kind: str, chance: random.Random) -> tuple[str, set[int]] | None:
    """Return a text with pieces of another in it, and the places of their Han characters."""
    if kind == "lines":
        pieces = [line for line in other.split("\n") if 8 <= len(line) <= 120 and re.search("[\u4e00-\u9fff]{5}", line)]
        places = [match.end() for match in re.finditer("\n(?=.)", base)]
    elif kind == "clauses":
        pieces = re.findall("(?<=[，。；！？])[\u4e00-\u9fff0-9]{6,30}(?=[，。；！？])", other)
        places = [match.end() for match in re.finditer("[，。；](?=[\u4e00-\u9fff])", base)]
    else:
        pieces = re.findall(f"[\u4e00-\u9fff]{{{chance.randint(*PHRASES[kind])}}}", other)
        places = [match.start() + chance.randint(2, 6) for match in re.finditer("[\u4e00-\u9fff]{8,}", base)]
    if len(pieces) < 3 or len(places) < 3:
        return None
    text, gold, last = "", set(), 0
    for place in sorted(set(chance.sample(places, min(len(places), chance.randint(1, 3))))):
        text += base[last:place]
        if kind in PHRASES:  # each of its own length
            pieces = re.findall(f"[\u4e00-\u9fff]{{{chance.randint(*PHRASES[kind])}}}", other) or pieces
        piece = chance.choice(pieces)
        gold |= {len(text) + n for n, c in enumerate(piece) if _HAN.match(c)}
        text += piece + {"lines": "\n", "clauses": "，"}.get(kind, "")
        last = place
    return text + base[last:], gold


def _spliced(pool: Sequence[dict[str, Any]]) -> str:
    chance = random.Random(SEED)
    bases = {name: _clean_bases(pool, name) for name in LABELS}
    rows = []
    for kind in ("lines", "clauses", *PHRASES):
        cells = []
        for name, other in (("hant", "hans"), ("hans", "hant")):
            right = told = gold = made = 0
            while made < SPLICES:
                spliced = _splice(chance.choice(bases[name]), chance.choice(bases[other]), kind, chance)
                if spliced is None:
                    continue
                made += 1
                text, wanted = spliced
                found = {n for run in runs(text) for n in range(run.start, run.end) if _HAN.match(text[n])}
                right, told, gold = right + len(found & wanted), told + len(found), gold + len(wanted)
            cells += [f"{2 * right / (told + gold):.3f}", f"{right / told:.3f}", f"{right / gold:.3f}"]
        rows.append((kind, *cells))
    head = ("runs, by character", "F1 in Traditional", "precision", "recall", "F1 in Simplified", "precision", "recall")
    return table(head, rows)


def _names(pool: Sequence[dict[str, Any]]) -> str:
    """Tell how many names of the annotated passages have their mainland form."""
    texts = {row["id"]: row["text"] for row in pool}
    passages = Path(__file__).parents[2] / "corpora" / "variants-passages.jsonl"
    counts: Counter[tuple[str, str, bool]] = Counter()
    for passage in map(json.loads, passages.read_text("utf-8").splitlines()):
        if passage["id"] not in texts:
            continue
        found = find(fold(texts[passage["id"]]))
        for name in passage["names"]:
            told = [
                form
                for one in found
                if one.start < name["end"] and name["start"] < one.end
                for form in one.concept.forms["CN"]
            ]
            right = any(form in wanted or wanted in form for form in told for wanted in name["mainland"])
            counts[passage["set"], passage["region"], right] += 1
    rows = []
    for chosen, when in (
        ("before", "read before the list was finished"),
        ("after", "drawn and read afterwards, misses added since"),
    ):
        cells = []
        for region in ("TW", "HK"):
            total = counts[chosen, region, True] + counts[chosen, region, False]
            cells.append(f"{counts[chosen, region, True] / max(1, total):.1%} of {total}")
        rows.append((when, *cells))
    megabytes = [fold(row["text"]) for row in pool[::40]]
    took = seconds(lambda: [find(key) for key in megabytes])
    told_by_set = table(("names with their mainland form", "Taiwan", "Hong Kong"), rows)
    return f"{told_by_set}\n\nFinding names: {_megabytes(megabytes) / took:.0f} MB/s of keys."


def _gold_words(data: Path) -> str:
    """Compare words with those of Universal Dependencies, Traditional text as it is and through its key."""
    rows = []
    for name in ("gsd", "hk", "pud"):
        path = data / "reference" / f"ud_{name}_words.jsonl.gz"
        if not path.is_file():
            continue
        gold = [row["words"] for row in records(path)]
        cells = []
        for through in (str, fold):
            right = told = known = 0
            for wanted in gold:
                text = "".join(wanted)
                ends = list(accumulate(map(len, wanted)))
                found, there = set(spans(text, through(text))), set(zip([0, *ends], ends, strict=False))
                right, told, known = right + len(found & there), told + len(found), known + len(there)
            cells.append(f"{2 * right / (told + known):.3f}")
        rows.append((f"UD {name.upper()}", len(gold), *cells))
    return table(("words, F1", "sentences", "Traditional text as it is", "through its key"), rows) if rows else ""


def _differences(old: str, new: str) -> Iterator[tuple[str, str]]:
    for line, other in zip(old.split("\n"), new.split("\n"), strict=True):
        if line == other:
            continue
        if len(line) == len(other):
            yield from ((a, b) for a, b in zip(line, other, strict=True) if a != b)
            continue
        for what, i, j, k, m in SequenceMatcher(None, line, other, autojunk=False).get_opcodes():
            if what != "equal":
                yield line[i:j], other[k:m]


def _round_trip(pool: Sequence[dict[str, Any]]) -> str:
    """Convert Taiwanese articles to Simplified characters and back, and count what is not as it was."""
    from opencc import OpenCC

    articles = [row["text"] for row in pool[::3] if row["script"] == "hant" and identify(row["text"]).region == "TW"]
    articles = [_plain(text) for text in random.Random(SEED).sample(articles, min(ROUND_TRIPS, len(articles)))]
    characters = [OpenCC(config).convert for config in ("t2s", "s2tw")]
    words = [OpenCC(config).convert for config in ("tw2sp", "s2twp")]
    ways: dict[str, Callable[[str], str]] = {
        "OpenCC, t2s and s2tw": lambda text: characters[1](characters[0](text)),
        "OpenCC, tw2sp and s2twp": lambda text: words[1](words[0](text)),
        "taowen": lambda text: convert(convert(text, "zh-Hans"), "zh-Hant-TW"),
    }
    total = sum(map(len, articles))
    rows = []
    for name, way in ways.items():
        counts: Counter[str] = Counter()
        for text in articles:
            for old, new in _differences(text, way(text)):
                kind = "words" if fold(old) != fold(new) else "style" if frozenset(old + new) in STYLES else "wrong"
                counts[kind] += max(len(old), 1)
        rows.append((name, *(f"{counts[kind] / total * 1e4:.1f}" for kind in ("wrong", "words", "style"))))
    head = (f"{len(articles)} articles there and back, per 10,000", "wrong characters", "other words", "other style")
    return table(head, rows)


def _plain(text: str) -> str:
    """Return text without compatibility ideographs, which are the same characters to a reader."""
    return "".join(unicodedata.normalize("NFKC", c) if "\uf900" <= c <= "\ufaff" else c for c in text)
