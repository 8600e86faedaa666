"""What `make demo` shows: the main job on the bundled sample dump, by the real command, and what came out.

Called as `python -m tests.demo build/demo`. Exit 1 if the books are not those of corpora/sample-gold.jsonl.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len, chop_cells, set_cell_size

from pipeline.records import visible
from tests.sample import SAMPLE, Place, place_of, read_gold, score

SHOWN = "text/tw-arctic-ores.txt"
"""The noisy page shown before and after: channel bar, flashes, further reading, hot news, most popular."""
LINES = 40
"""Lines of it."""


def fit(text: str, width: int) -> str:
    """Return one line of `text`, exactly `width` terminal cells wide: cut with an ellipsis, or padded."""
    text = visible(text, breaks=False)
    if cell_len(text) > width:
        text = chop_cells(text, width - 1)[0] + "…"
    return set_cell_size(text, width)


def taowen(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command beside this Python."""
    command = Path(sys.executable).parent / "taowen"
    if not command.exists():
        sys.exit(f"{command} is not there. Run 'make setup'.")
    whole = [str(command), *arguments]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    return subprocess.run(whole, capture_output=True, encoding="utf-8", env=environment, check=False)


def _json_lines(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def _heading(text: str) -> None:
    print(f"\n{text}\n{'─' * cell_len(text)}")


def _books(out: Path, gold: Mapping[Place, Mapping[str, Any]], rejects: Sequence[Mapping[str, Any]]) -> bool:
    """Print the books of the run and return whether they are as expected."""
    report = json.loads((out / "report.json").read_text("utf-8"))
    wanted = {"read": len(gold)}
    for name, kinds in (("written", ("article", "no_article")), ("rejected", ("reject",)), ("skipped", ("skipped",))):
        wanted[name] = sum(row["status"] in kinds for row in gold.values())
    print(f"read {report['read']} = written {report['written']} + rejected {report['rejected']}", end=" ")
    print(f"+ skipped {report['skipped']}")
    balanced = report["read"] == report["written"] + report["rejected"] + report["skipped"]
    for name, plural in (("rejected", "rejects"), ("skipped", "skipped"), ("written", "pages")):
        print(f"  {wanted[name]:2} {plural} expected, {report[name]} found")
    for reject in rejects:
        print(f"     {fit(Path(reject['input']).name, 14)} byte {reject['position']:<6} ", end="")
        print(visible(f"{reject['stage']}: {reject['reason']}", breaks=False))
    places = sorted(place for place, row in gold.items() if row["status"] == "reject")
    same = places == sorted(place_of(reject) for reject in rejects)
    if not same:
        print(f"The rejects should be {places}.")
    return balanced and same and all(report[name] == wanted[name] for name in wanted)


def _pages(rows: Mapping[Place, Mapping[str, Any]], gold: Mapping[Place, Mapping[str, Any]], width: int) -> None:
    """Print a line for each page: id, script, title, topics; what the gold says otherwise behind it."""
    title = max(20, width - 24 - 11 - 34)
    print(f"{'id':24} {'script':10} {'title':{title}} topics")
    for place, row in rows.items():
        wanted = gold.get(place, {})
        script = " ".join(filter(None, (row["script"], row["region"])))
        if row["status"] == "article":
            told, topics = (
                row["title"] or "(no title on the page)",
                "  ".join(f"{t['id']} {t['score']:.2f}" for t in row["topics"]) or "–",
            )
        else:
            told, topics = "", f"no article: {visible(row['reason'], breaks=False)}"
        said = {topic["id"] for topic in row["topics"]}
        if row["status"] != wanted.get("status"):
            topics += f"   (should be {wanted.get('status', 'absent')})"
        elif row["status"] == "article" and said != set(wanted["topics"]):
            topics += f"   (should be {', '.join(wanted['topics']) or 'none'})"
        # The ids of WARC records are long and differ at both ends.
        name = row["id"] if len(row["id"]) <= 24 else f"{row['id'][:8]}…{row['id'][-15:]}"
        print(f"{fit(name, 24)} {script:10} {fit(told, title)} {topics}")


def _before_and_after(width: int) -> None:
    page = SAMPLE / SHOWN
    shown = taowen("explain", str(page))
    if shown.returncode:
        sys.exit(f"taowen explain {page} ended with {shown.returncode}: {shown.stderr}")
    lines = [line for line in shown.stdout.splitlines() if line.strip()]
    print("Lines with '- ' were cut, with the kind and the reason; the others stay; {+evidence+} made a topic.\n")
    for line in lines[:LINES]:
        print(fit(line, width).rstrip())
    print(f"... {len(lines) - LINES} more lines")


def main(arguments: Sequence[str]) -> int:
    """Run the main job into a folder and show it; return the exit code."""
    if len(arguments) != 1:
        print("usage: python -m tests.demo FOLDER", file=sys.stderr)
        return 2
    sys.stdout.reconfigure(errors="replace", line_buffering=True)  # type: ignore[union-attr]
    folder, here = Path(arguments[0]), Path.cwd()
    out = folder / "run"
    if (out / "manifest.json").is_file():
        shutil.rmtree(out)  # an earlier demo: the same command would find it finished and do nothing
    width = max(100, min(150, shutil.get_terminal_size((118, 40)).columns))
    gold = read_gold()
    dump = SAMPLE.relative_to(here) if SAMPLE.is_relative_to(here) else SAMPLE
    command = ("run", str(dump), "--out", str(out), "--force", "--max-rejects", "3")
    print(f"taowen 淘聞 on the sample dump: {len(gold)} records, all invented for this project.\n")
    print(f"$ taowen {' '.join(command)}")
    done = taowen(*command)
    print("".join(f"  {line}\n" for line in done.stderr.splitlines()), end="")
    if done.returncode not in (0, 1) or not (out / "report.json").is_file():
        print(f"The command ended with {done.returncode}.")
        return 1

    rejects = _json_lines(out / "rejects")
    rows = {place_of(row): row for row in _json_lines(out / "parts")}
    _heading("The books")
    expected = _books(out, gold, rejects)
    _heading("The pages, one a line")
    _pages(rows, gold, width)
    _heading("Beside what was written down for each page in corpora/sample-gold.jsonl")
    agreed = score(rows, gold)
    print(f"article or not          {agreed.status} of {agreed.pages} pages right")
    print(f"text exactly as wanted  {agreed.exact} of {agreed.articles} articles; mean bigram F1 {agreed.f1:.4f}")
    print(f"topics exactly right    {agreed.topics} of {agreed.articles} articles")
    if agreed.others:
        print(f"not exactly as wanted   {', '.join(f'{visible(name)} F1 {f1:.3f}' for name, f1 in agreed.others)}")
    _heading(f"A page before and after: taowen explain {dump / SHOWN}")
    _before_and_after(width)
    _heading("Where it lies, and what to type next")
    taowen_here = os.path.relpath(Path(sys.executable).parent / "taowen", here)
    for text, note in (
        (f"{out}/parts/", "the articles, one JSON object a line"),
        (f"{out}/rejects/", "what could not be read, with file, byte and reason"),
        (f"{out}/report.json", "the books"),
        (f"{taowen_here} tag YOUR-PAGES -o tagged.jsonl", "HTML, text, JSONL, WARC, Parquet; files or folders"),
        (f"{taowen_here} explain YOUR-PAGE", "what was cut and why, which words made each topic"),
        (f"{taowen_here} --help", "all verbs"),
    ):
        print(f"  {text:48} {note}")
    if not expected or done.returncode:
        print("\nThe books are not what corpora/sample-gold.jsonl expects: see above.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
