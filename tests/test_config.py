"""Flag over environment over taowen.toml over default, and where each value comes from."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.cli.terminal import _Pace
from pipeline.configure import LIMITS

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def taowen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """The command in an empty folder: exit code, output, messages."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["taowen", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return call


def shown(told: str) -> dict[str, str]:
    return dict(line.split(" = ", 1) for line in told.splitlines())


def test_flag_over_environment_over_file_over_default(taowen: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("taowen.toml").write_text(
        'to = "zh-Hant"\n[run]\nworkers = 2\npage-seconds = 3\nthreshold = ["trade_war=.6"]\n'
    )
    monkeypatch.setenv("TAOWEN_RUN_WORKERS", "3")
    monkeypatch.setenv("TAOWEN_TAG_THRESHOLD", "trade_war=.1 rare_earths=.2")
    code, told, _ = taowen("config", "show")
    values = {name: value.split() for name, value in shown(told).items()}
    assert code == 0
    assert values["run.workers"] == ["3", "($TAOWEN_RUN_WORKERS)"]
    assert values["run.page-seconds"] == ["3", "(taowen.toml)"]
    assert values["run.to"] == values["convert.to"] == ["zh-Hant", "(taowen.toml)"]
    assert values["run.format"] == ["jsonl", "(default)"]
    assert values["tag.threshold"] == ['["trade_war=.1",', '"rare_earths=.2"]', "($TAOWEN_TAG_THRESHOLD)"]
    assert values["evaluate.json"] == ["false", "(default)"]
    assert not any(name.endswith((".force", ".dry-run")) for name in values)
    assert set(shown(taowen("config", "show", "run")[1])) == {name for name in values if name.startswith("run.")}


def test_the_deadline_is_that_of_the_library(taowen: Call) -> None:
    value, *_ = shown(taowen("config", "show", "run")[1])["run.page-seconds"].split()
    assert float(value) == LIMITS.page_seconds


def test_what_is_set_is_what_happens(taowen: Call, monkeypatch: pytest.MonkeyPatch, sample: Path) -> None:
    page = str(sample / "text")
    Path("taowen.toml").write_text('[clean]\nto = "zh-Hant"\npage-text = true\n[run]\nworkers = 3\n')
    row = json.loads(taowen("clean", page)[1].splitlines()[0])
    assert "page_text" in row and any(sign in row["text_normalised"] for sign in "國會對們")
    row = json.loads(taowen("clean", page, "--to", "zh-Hans")[1].splitlines()[0])
    assert not any(sign in row["text_normalised"] for sign in "國會對們")
    assert "3 at a time" in taowen("run", page, "--out", "out", "--dry-run")[1]
    monkeypatch.setenv("TAOWEN_RUN_WORKERS", "4")
    assert "4 at a time" in taowen("run", page, "--out", "out", "--dry-run")[1]
    assert "2 at a time" in taowen("run", page, "--out", "out", "--dry-run", "--workers", "2")[1]
    for wrong in (("--page-seconds", "-4"), ("--share", "0/2", "--add")):  # what a run refuses, its preview does too
        assert taowen("run", page, "--out", "out", "--dry-run", *wrong)[0] == 2
    assert [path.name for path in Path().iterdir()] == ["taowen.toml"]  # a dry run writes nothing


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[run]\nworker = 2\n", "[run] takes no 'worker'. It takes add,"),
        ("[walk]\n", "there is no command 'walk'"),
        ("colour = 1\n", "no command takes 'colour'"),
        ("[run]\nforce = true\n", "takes no 'force'"),
        ("[run\n", "cannot be read"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(taowen: Call, content: str, said: str) -> None:
    Path("taowen.toml").write_text(content)
    for arguments in (("config", "show"), ("run", "x", "--out", "y")):
        code, _, told = taowen(*arguments)
        assert code == 2 and said in told and "taowen.toml" in told


def test_a_variable_that_names_no_option_is_told(taowen: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TAOWEN_RUN_WORKER", "TAOWEN_RUN_FORCE"):  # the latter has to be typed
        monkeypatch.setenv(variable, "2")
        code, _, told = taowen("config", "show")
        assert code == 2
        assert f"${variable}: " in told and "TAOWEN_RUN_WORKERS" in told
        monkeypatch.setenv(variable, "")  # as good as not set
        assert taowen("config", "show")[0] == 0


def test_a_file_that_is_named_must_be_there(taowen: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAOWEN_CONFIG", "elsewhere.toml")
    assert taowen("config", "show")[0] == 2
    Path("elsewhere.toml").write_text("[run]\nworkers = 7\n")
    assert "run.workers = 7" in taowen("config", "show", "run")[1]
    assert taowen("config", "show", "walk")[0] == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('workers = "many"', "Invalid value for '--workers'"),
        ("workers = 0", "Invalid value for '--workers'"),
        ('format = "csv"', "'csv' is not one of"),
        ('max-rejects = "few"', "--max-rejects takes a number"),
        ('share = "2/2"', "--share takes K/N"),
        ('threshold = ["x"]', "--threshold takes NAME=NUMBER"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(
    taowen: Call, monkeypatch: pytest.MonkeyPatch, content: str, said: str
) -> None:
    Path("taowen.toml").write_text(f"[run]\n{content}\n")
    command = ("run", "x", "--out", "y")
    code, _, told = taowen(*command)
    assert (code, told.startswith("taowen: taowen.toml: ")) == (2, True) and said in told
    option = content.partition(" ")[0]
    code, _, told = taowen(*command, f"--{option}", "?")  # what is typed is at fault, not the file
    assert code == 2 and f"--{option}" in told and "taowen.toml" not in told
    monkeypatch.setenv(f"TAOWEN_RUN_{option.upper().replace('-', '_')}", "?")
    assert f"taowen: $TAOWEN_RUN_{option.upper().replace('-', '_')}: " in taowen(*command)[2]


def test_too_few_articles_end_with_1(taowen: Call, sample: Path) -> None:
    pages = [str(sample / "pages.jsonl"), "--out", "out", "--max-rejects", "100%"]
    assert taowen("run", *pages, "--fail-under", "10%")[0] == 0
    code, _, told = taowen("run", *pages, "--fail-under", "100%")
    assert code == 1 and "fewer than --fail-under 100%" in told
    for wrong in ("90", "x%", "101%"):
        assert taowen("run", *pages, "--fail-under", wrong)[0] == 2
    for wrong in ("1", "2/2", "a/b", "-1/2"):
        assert taowen("run", *pages, f"--share={wrong}")[0] == 2


def test_off_a_terminal_a_run_says_a_line_a_minute(taowen: Call, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("run", str(sample / "pages.jsonl"), "--out", "out", "--max-rejects", "100%")
    monkeypatch.setattr("pipeline.cli.terminal.MINUTE", 0.0)
    lines = [line for line in taowen(*command)[2].splitlines() if re.match(r"\d+%: ", line)]
    assert re.fullmatch(r"0%: 0 read, 0 rejected, 0\.0 MB", lines[0])
    assert re.match(r"100%: \d+ read, \d+ rejected, \d+\.\d MB", lines[-1])
    monkeypatch.setattr("pipeline.cli.terminal.MINUTE", 60.0)
    assert "%: " not in taowen(*command, "--force")[2].split("script:")[0].split("read ")[0]


def test_the_pace_is_that_of_this_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((0.0, 10.0, 70.0))
    monkeypatch.setattr("pipeline.cli.terminal.time.monotonic", lambda: next(now))
    pace = _Pace()
    assert pace.told(50, 200, 1000) == ("", "")  # what earlier launches did
    assert pace.told(60, 200, 1100) == (", 10.0 records/s", ", 2 min left")
    assert pace.told(200, 200, 2500) == (", 21.4 records/s", "")
