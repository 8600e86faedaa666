"""Fetches the public text of the labelled articles: `make corpora`, which asks other machines.

    python -m pipeline.topics.fetch --out build/corpora

Labels are facts: repository, commit, path, item. Git fetches the named commits without files, then the named files in
one request a repository, and proves by their hashes that they are the ones that were labelled. The text goes into
`labelled.jsonl.gz`, where `taowen train corpora` finds it with TAOWEN_DATA=build/corpora. A second call asks only for
what the first did not get. The text is its owners': see `corpora/sources.toml`.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.configure import model_path
from pipeline.errors import InputError, TaowenError, UsageError, why
from pipeline.records import visible
from pipeline.topics.corpus import facts_of
from pipeline.topics.features import key
from pipeline.topics.originals import FORMS, Original, original_of

__all__ = ["Source", "fetch", "main", "read_sources"]

_SCHEMA = 1
_AT_ONCE = 100
"""Commits asked for in one request."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SETTINGS = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1", "GIT_NO_LAZY_FETCH": "1"}


@dataclass(frozen=True, slots=True)
class Source:
    """A repository that labels point into."""

    repository: str
    """Its address, for git."""
    form: str
    """One of `FORMS`."""
    section: str = ""

    @property
    def name(self) -> str:
        """Owner and name: what labels call it."""
        return "/".join(self.repository.removesuffix(".git").rstrip("/").split("/")[-2:])


class RepositoryError(Exception):
    """A repository did not give what it was asked for; the message says what."""


def read_sources(path: Path) -> dict[str, Source]:
    """Return the sources of labels by owner and name.

    Raises:
        UsageError: the file is missing or damaged, or a form is not known.
    """
    try:
        top = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {why(error)}.") from error
    if top.get("schema") != _SCHEMA:
        raise UsageError(f"{path} has schema {top.get('schema')!r}, this version reads {_SCHEMA}.")
    found: dict[str, Source] = {}
    for number, table in enumerate(top.get("sources", []), 1):
        source = Source(str(table.get("repository", "")), str(table.get("form", "")), str(table.get("section", "")))
        if source.form not in FORMS or "/" not in source.repository:
            raise UsageError(
                f"{path}, source {number}: 'repository' must be an address and 'form' one of {', '.join(FORMS)}."
            )
        found[source.name] = source
    return found


class _Repository:
    """A bare copy of a public repository that holds only what was asked for."""

    def __init__(self, folder: Path, address: str) -> None:
        self._folder = folder
        if not (folder / "HEAD").is_file():
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(
                    f"{folder} cannot be made: {error.strerror}. Give --out a folder that can be written."
                ) from error
            self._git("init", "--bare", "--quiet")
        for name, value in (
            ("remote.origin.url", address),
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialclonefilter", "blob:none"),
            ("fetch.negotiationAlgorithm", "noop"),
        ):
            self._git("config", name, value)
        self._known = set(self._git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").decode().split())

    def _git(self, *arguments: str, given: str | None = None) -> bytes:
        command = ["git", "--git-dir", str(self._folder), *arguments]
        try:
            done = subprocess.run(
                command,
                input=None if given is None else given.encode(),
                stdin=subprocess.DEVNULL if given is None else None,
                capture_output=True,
                check=False,
                env={**os.environ, **_SETTINGS},
            )
        except FileNotFoundError:
            raise UsageError("'make corpora' needs git: install it, then run this again.") from None
        if done.returncode:
            told = done.stderr.decode("utf-8", "replace").strip().split("\n")
            raise RepositoryError(visible(told[-1]) or f"git {arguments[0]} ended with {done.returncode}")
        return done.stdout

    def commits(self, names: Iterable[str]) -> dict[str, str]:
        """Return the commit of each name, fetched without files. A short name costs the history."""
        wanted = sorted(set(names))
        whole = [name for name in wanted if _COMMIT.fullmatch(name)]
        missing = [name for name in whole if name not in self._known]
        for start in range(0, len(missing), _AT_ONCE):
            self._fetch(missing[start : start + _AT_ONCE], "--depth=1")
        short = [name for name in wanted if name not in set(whole)]
        found = {name: name for name in whole}
        if short:
            self._git("fetch", "--quiet", "--filter=blob:none", "origin", "+refs/heads/*:refs/remotes/origin/*")
            for name in short:
                found[name] = self._git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode().strip()
        return found

    def _fetch(self, names: Sequence[str], *options: str) -> None:
        flags = ("--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none")
        self._git("fetch", *flags, *options, "origin", "--stdin", given="".join(f"{name}\n" for name in names))

    def files(self, commit: str) -> dict[str, str]:
        """Return path and hash of every file of a commit."""
        listed = self._git("ls-tree", "-r", "-z", commit).decode("utf-8", "surrogateescape")
        rows = (row.split("\t", 1) for row in listed.split("\0") if row)
        return {path: about.split(" ")[2] for about, path in rows if about.split(" ")[1] == "blob"}

    def contents(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield hash and content of files; those that are not here are fetched at once."""
        wanted = sorted(set(names))
        missing = [name for name in wanted if name not in self._known]
        if missing:
            self._fetch(missing)
            self._known.update(missing)
        told = self._git("cat-file", "--batch", given="".join(f"{name}\n" for name in wanted))
        place = 0
        for name in wanted:
            line = told.index(b"\n", place)
            found, kind, size = told[place:line].decode().split(" ")[:3]
            if (found, kind) != (name, "blob"):
                raise RepositoryError(f"{name[:12]} is no file there")
            yield name, told[line + 1 : line + 1 + int(size)]
            place = line + 2 + int(size)


def _path_in(files: dict[str, str], path: str) -> str | None:
    """Return the hash of a path, or of the one file that ends with it: some labels name no folder."""
    if path in files:
        return files[path]
    ends = [name for other, name in files.items() if other.endswith(f"/{path}")]
    return ends[0] if len(set(ends)) == 1 else None


def _originals(
    source: Source, rows: Sequence[dict[str, Any]], folder: Path
) -> Iterator[tuple[dict[str, Any], Original | None]]:
    """Yield labels of one repository, each with its article, None where its file or item is not there."""
    repository = _Repository(folder / f"{source.name.replace('/', '__')}.git", source.repository)
    commits = repository.commits(str(row["commit"]) for row in rows)
    files = {commit: repository.files(commit) for commit in sorted(set(commits.values()))}
    places = [_path_in(files[commits[str(row["commit"])]], str(row["path"])) for row in rows]
    contents = dict(repository.contents(place for place in places if place))
    for row, place in zip(rows, places, strict=True):
        item = str(row.get("item") or "")
        yield row, original_of(source.form, contents[place], item, source.section) if place else None


def fetch(labels: Path, sources: Path, out: Path, only: Sequence[str] = ()) -> tuple[int, list[str]]:
    """Fetch the text of labels and write it to `out`/labelled.jsonl.gz, in the order of the labels.

    Text that an earlier call fetched from a repository that is not asked this time, or does not answer, stays.

    Args:
        labels: `corpora/labels.jsonl`.
        sources: `corpora/sources.toml`.
        out: folder of the text, and of the repositories in `out`/git.
        only: owner and name of the repositories to ask; all without.

    Returns:
        How many labels have their text, and a line for everything that is missing or worth knowing.

    Raises:
        UsageError: a file is damaged, a repository is not listed, git is not there, or `out` cannot be written.
    """
    known, facts = read_sources(sources), list(facts_of(labels))
    repositories = sorted({str(row["repo"]) for row in facts})
    if strange := sorted({*only, *repositories} - set(known)):
        raise UsageError(f"{sources} does not list {', '.join(strange)}.")
    place = out / "labelled.jsonl.gz"
    texts = {str(row["id"]): row for row in facts_of(place)} if place.is_file() else {}
    told: list[str] = []
    for name in repositories:
        if only and name not in only:
            continue
        rows = [row for row in facts if row["repo"] == name]
        lost: list[str] = []
        try:
            for row, original in _originals(known[name], rows, out / "git"):
                if original is None:
                    lost.append(str(row["id"]))
                    texts.pop(str(row["id"]), None)
                else:
                    address = {field: row.get(field) or "" for field in ("id", "repo", "commit", "path", "item")}
                    texts[str(row["id"])] = {**address, **original._asdict()}
        except RepositoryError as error:
            told.append(f"{name}: {error}. What was fetched is kept; run this again to go on.")
        if lost:
            told.append(f"{name}: {len(lost)} of {len(rows)} articles are not in their files, such as {lost[0]}.")
    here = [texts[row["id"]] for row in facts if row["id"] in texts]
    _write(place, here)
    told += _compared(here)
    return len(here), told


def _compared(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Tell how many texts are to the letter what the shipped model learnt from: pages may be cut otherwise now."""
    try:
        lines = (model_path("topics") / "out_of_fold.jsonl").read_text("utf-8").splitlines()
    except (OSError, TaowenError):
        return []
    learnt = {str(row["id"]): str(row["fingerprint"]) for row in map(json.loads, lines)}
    same = Counter(
        learnt[row["id"]] == hashlib.sha256(key(row["text"]).encode("utf-8", "surrogatepass")).hexdigest()[:16]
        for row in rows
        if row["id"] in learnt
    )
    if not same:
        return []
    return [
        f"{same[True]} of {same.total()} texts are to the letter those that the shipped model learnt from; where the "
        "others begin and end was decided otherwise, and figures will differ a little."
    ]


def _write(place: Path, rows: Iterable[dict[str, Any]]) -> None:
    partial = place.with_name(f".{place.name}.partial")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
            for row in rows:
                packed.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass"))
        partial.replace(place)
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch the text and say what is missing. Ends with 1 where a text is missing, with 2 where nothing can be done."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.topics.fetch", description=str(__doc__).split("\n")[0])
    parser.add_argument("--labels", type=Path, default=Path("corpora/labels.jsonl"), metavar="FILE")
    parser.add_argument("--sources", type=Path, default=Path("corpora/sources.toml"), metavar="FILE")
    parser.add_argument("--out", type=Path, default=Path("build/corpora"), metavar="DIR")
    parser.add_argument("--only", action="append", default=[], metavar="OWNER/NAME", help="ask this repository only")
    options = parser.parse_args(arguments)
    try:
        wanted = sum(1 for _ in facts_of(options.labels)) if options.labels.is_file() else 0
        if not wanted:
            raise InputError(f"{options.labels} holds no labels. Run this at the top of a checkout, or give --labels.")
        found, told = fetch(options.labels, options.sources, options.out, options.only)
    except TaowenError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    for line in told:
        print(line, file=sys.stderr)
    print(f"{found} of {wanted} labels have their text in {options.out / 'labelled.jsonl.gz'}.", file=sys.stderr)
    if found:
        print(f"To train on it: TAOWEN_DATA={options.out} taowen train corpora --out build/my-model", file=sys.stderr)
    return 0 if found == wanted else 1


if __name__ == "__main__":
    sys.exit(main())
