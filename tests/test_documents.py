"""The documents say what the code does: README blocks are run, generated pages are fresh, links and names hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import __version__
from pipeline.dumps.status import Status
from pipeline.records import REJECT_KEYS, SCHEMA

from .documents import (
    FIELDS,
    KINDS,
    REJECTS,
    REPORT,
    ROOT,
    RUNNERS,
    Block,
    beside_corpora,
    blocks,
    cli_page,
    commands,
    cut_kinds,
    fits,
    invoke,
    marked,
    modules_page,
    records_page,
    topic_figures,
)

README = (ROOT / "README.md").read_text("utf-8")
FIGURES = (ROOT / "docs" / "figures.md").read_text("utf-8")
PAGES = sorted(
    path
    for folder in (ROOT, ROOT / "docs", ROOT / "corpora", ROOT / "corpora" / "sample", *(ROOT / "models").iterdir())
    for path in folder.glob("*.md")
)
RUN = [block for block in blocks(README) if block.language in RUNNERS]
SHELL = [(path, block) for path in PAGES for block in blocks(path.read_text("utf-8")) if block.language == "sh"]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One folder for all blocks: a block may read what one above it wrote."""
    with beside_corpora() as place:
        yield place


@pytest.mark.parametrize("block", RUN, ids=lambda block: f"line-{block.line}")
def test_a_block_of_the_readme_prints_what_it_shows(block: Block, folder: Path) -> None:
    shown = RUNNERS[block.language](block.body)
    assert fits(block.body, shown), f"README.md, line {block.line}. Shown there: {block.body}\nShown now: {shown}"


def test_the_rows_load_as_the_records_page_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's blocks have written the files."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(folder / "cache"))
    for block in blocks(records_page()):
        if block.language == "python":
            RUNNERS["python"](block.body + "\nassert len(rows) == len(frame) > 40")


def test_the_readme_runs_every_verb_but_those_of_labels() -> None:
    """tests/topics/test_loop.py runs those, but for export."""
    shown = {line.split()[2] for block in RUN for line in block.body.splitlines() if line.startswith("$ taowen ")}
    assert shown | {"train", "evaluate", "suggest", "label", "export"} == set(commands())
    assert all(f"taowen {verb} " in README for verb in commands())


def test_output_that_differs_does_not_fit() -> None:
    assert fits("$ a\nx\n", "$ a\nx\n")
    assert fits("$ a\n...\nlast ... word\n", "$ a\n1\n2\nlast but one word\n")
    assert not fits("$ a\nx\n", "$ a\ny\n")
    assert not fits("$ a\nx\n", "$ a\nx\ny\n")
    assert not fits("$ a\n...\nx\n", "$ a\ny\n")


@pytest.mark.parametrize(("path", "block"), SHELL, ids=lambda case: named(case) if isinstance(case, Path) else "")
def test_shown_commands_have_the_options_they_are_given(path: Path, block: Block) -> None:
    for call in re.findall(r"\btaowen ([a-z]+)([^|>#\n]*)", block.body):
        verb, rest = call
        options = {name for parameter in commands()[verb].params for name in parameter.opts}
        given = {word.split("=")[0] for word in rest.split() if re.match("--?[a-z]", word)}
        assert given <= options | {"--help"}, f"{named(path)}: taowen {verb} has no {given - options}"


def test_modules_that_documents_run_exist() -> None:
    for path in PAGES:
        for module in re.findall(r"python -m ((?:pipeline|tests)[\w.]*)", path.read_text("utf-8")):
            place = ROOT / module.replace(".", "/")
            assert place.with_suffix(".py").exists() or (place / "__init__.py").exists(), f"{named(path)}: {module}"


def test_make_targets_that_documents_name_exist() -> None:
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    for path in PAGES:
        text = path.read_text("utf-8")
        named_here = set(re.findall(r"`make ([a-z-]+)", text)) | set(re.findall(r"^make ([a-z-]+)", text, re.M))
        assert named_here <= made, f"{named(path)}: {named_here - made}"


@pytest.mark.parametrize(
    ("name", "page"),
    [("docs/cli.md", cli_page), ("docs/records.md", records_page), ("docs/modules.md", modules_page)],
)
def test_a_generated_page_is_fresh(name: str, page: object) -> None:
    assert callable(page)
    assert (ROOT / name).read_text("utf-8") == page(), f"{name} is stale: run 'make docs'"


def test_the_topic_figures_are_those_of_the_shipped_model() -> None:
    assert marked(FIGURES, "topics") == topic_figures(), "docs/figures.md is stale: run 'make docs'"


def test_the_figures_of_the_readme_stand_in_their_document() -> None:
    told = README.partition("## How good it is")[2].partition("\n## ")[0]
    numbers = re.findall(r"(?<![\w.])(?:\d[\d,]*)?(?:\.\d+|\d)%?(?![\w-])", told)
    assert len(numbers) > 20
    known = set(re.findall(r"(?<![\w.])(?:\d[\d,]*)?(?:\.\d+|\d)%?", FIGURES))
    assert set(numbers) - known - {"99.9%"} == set()  # the aim


def test_every_field_reject_key_and_kind_of_cut_is_described() -> None:
    assert list(FIELDS) == list(SCHEMA)
    assert tuple(REJECTS) == REJECT_KEYS
    assert set(KINDS) == cut_kinds()


def test_every_key_of_a_run_s_report_is_described() -> None:
    report = Status("", 1, 1, {}, {}, copies=(0, 0)).to_dict()
    assert set(report) == {key for keys in REPORT for key in keys.split(", ")}


def test_the_sample_has_no_kind_of_cut_that_is_not_described(folder: Path) -> None:
    """`cut_kinds` reads the code's text; this reads what the code does."""
    import json

    _, code = invoke(["clean", "corpora/sample", "-o", "kinds.jsonl", "--max-rejects", "100%"])
    assert code == 0
    rows = [json.loads(line) for line in (folder / "kinds.jsonl").read_text("utf-8").splitlines()]
    found = {cut["kind"] for row in rows for cut in row["cuts"]}
    assert len(found) > 10
    assert found <= set(KINDS)


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        place, _, anchor = target.partition("#")
        goal = (path.parent / place).resolve() if place else path
        assert goal.exists(), f"{named(path)}: {target}"
        if anchor:
            heads = re.findall(r"^#+ (.*)$", goal.read_text("utf-8"), re.M)
            assert anchor in {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_documents_name_no_place_of_one_machine(path: Path) -> None:
    assert not re.search(r"(?<![\w.])/(?:work|root|home|tmp|Users)/", path.read_text("utf-8"))


def test_the_changelog_has_this_version() -> None:
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
