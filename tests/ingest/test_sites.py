"""A user's site file: checked as a whole, applied to its sites only, and what it says is done and told."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.article import Article, Page, restore
from pipeline.errors import UsageError
from pipeline.ingest import clean
from pipeline.ingest.sites import Sites, host, kinds, read_sites
from pipeline.process import Process, ProcessConfig
from tests.documents import KINDS

BODY = (
    "霧坪村的水塔上週換了新的閥門，三百戶人家總算不必再半夜接水，村口的雜貨店也撤下了桶裝水的廣告牌。",
    "村長說，舊閥門用了二十六年，去年冬天先後壞了四次，每次都要到鄰鎮借零件，最久的一回停水五天。",
    "自來水公司派來的師傅表示，新閥門可以遠端開關，壓力不足時會自動通知值班人員，不必再爬上水塔。",
)
AUTHOR = "喬木生寫過三本關於水的書，他住在山裡，養了兩隻狗。"
FOLDED = "這一段要點開才看得到：水費明年再決定。"
FILE = """
[[site]]
host = "village.example"
cut = [".author", "#comments", "span.editor"]
keep = [".author b", "div.more"]

  [[site.rule]]
  kind = "promotion"
  pattern = '^更多內容請下載'

  [[site.rule]]
  pattern = "^编者按"
  keep = true
"""


def sites(folder: Path, text: str = FILE) -> Sites:
    file = folder / "sites.toml"
    file.write_text(text, "utf-8")
    return read_sites(file)


@pytest.fixture
def own(tmp_path: Path) -> Sites:
    return sites(tmp_path)


def paragraphs(*lines: str) -> str:
    return "".join(f"<p>{line}</p>" for line in lines)


def cleaned(own: Sites | None, html: str = "", url: str = "http://m.village.example/1", text: str = "") -> Article:
    page = Page("1", url=url, html=f"<html><body>{html}</body></html>") if html else Page("1", url=url, text=text)
    article = clean(page, sites=own)
    assert restore(article.text, article.cuts) == article.page_text
    return article


def told(article: Article) -> dict[str, tuple[str, str]]:
    return {line.strip(): (c.kind, c.reason) for c in article.cuts for line in c.text.splitlines() if line.strip()}


# What it does.


def test_elements_are_cut_and_kept_as_the_file_says(own: Sites) -> None:
    html = (
        f"{paragraphs(*BODY)}<div class=author><p>{AUTHOR}</p><p><b>{BODY[0][:30]}。</b></p></div>"
        f"<div class=more style='display:none'><p>{FOLDED}</p></div><div id=comments><p>{AUTHOR[::-1]}</p></div>"
    )
    article = cleaned(own, html)
    assert article.text.splitlines() == [*BODY, f"{BODY[0][:30]}。", FOLDED]
    assert told(article) == {
        AUTHOR: ("inserted", "site village.example: cut .author"),
        AUTHOR[::-1]: ("comments", "site village.example: cut #comments"),
    }


def test_an_element_inside_a_sentence_takes_nothing_else_with_it(own: Sites) -> None:
    article = cleaned(own, f"<p><span class=editor>責編：喬木生</span>{BODY[0]}</p>{paragraphs(*BODY[1:])}")
    assert article.text.splitlines() == list(BODY)
    assert told(article)["責編：喬木生"][1] == "site village.example: cut span.editor"


@pytest.mark.parametrize("is_html", [True, False])
def test_lines_are_cut_and_kept_in_both_scripts(own: Sites, is_html: bool) -> None:
    lines = (
        "編者按：水費的事見昨日本報，讀者可以對照。",
        *BODY,
        "更多内容请下载山村客户端",
        "更多內容請下載山村客戶端",
    )
    article = cleaned(own, paragraphs(*lines)) if is_html else cleaned(own, text="\n".join(lines))
    assert article.text.splitlines() == list(lines[:-2])
    assert told(article)[lines[-1]] == ("promotion", "site village.example: rule ^更多內容請下載")


def test_a_line_that_stays_is_not_mended(tmp_path: Path) -> None:
    spliced = f"{BODY[1][:20]}\u200b{BODY[1][20:]}"
    rule = "[[site]]\nhost = 'village.example'\n[[site.rule]]\npattern = '^村长说'\nkeep = true"
    text = "\n".join((BODY[0], spliced, BODY[2]))
    assert "\u200b" not in cleaned(None, text=text).text
    assert cleaned(sites(tmp_path, rule), text=text).text == text


def test_the_file_decides_what_is_an_article(own: Sites) -> None:
    no = cleaned(own, "".join(f"<div class=author><p>{line}</p></div>" for line in BODY))
    assert (no.status, no.text, no.reason) == ("no_article", "", "the site file cuts all that would stay (3 lines)")
    lines = [f"第{n}站 閥門 水塔" for n in range(8)]
    assert cleaned(None, paragraphs(*lines)).status == "no_article"
    kept = cleaned(own, f"<div class=more>{paragraphs(*lines)}</div>")
    assert (kept.status, kept.text.splitlines()[-1]) == ("article", lines[-1])


def test_fields_are_still_found_in_what_is_kept(own: Sites) -> None:
    title = "霧坪村水塔換新閥門"
    article = cleaned(own, f"<title>{title}</title><div class=more><h1>{title}</h1>{paragraphs(*BODY)}</div>")
    assert (article.title, article.text.splitlines()) == (title, list(BODY))


# Where it does it.


@pytest.mark.parametrize(
    ("url", "head", "is_own"),
    [
        ("https://village.example/a", "", True),
        ("https://WWW.Village.example.:8080/a", "", True),
        ("https://myvillage.example/a", "", False),
        ("https://example/a", "", False),
        ("", "", False),
        ("", "<link rel=canonical href='https://village.example/a'>", True),
        ("", "<meta property='og:url' content='https://m.village.example/a'>", True),
        ("", "<link rel=canonical href='/a'><meta property='og:url' content='https://m.village.example/a'>", True),
        ("https://other.example/a", "<link rel=canonical href='https://village.example/a'>", False),
        ("http://[::1", "", False),
    ],
)
def test_the_site_is_that_of_the_address(own: Sites, url: str, head: str, is_own: bool) -> None:
    article = cleaned(own, f"{head}{paragraphs(*BODY)}<div class=author><p>{BODY[0][:30]}。</p></div>", url)
    assert any("site village.example" in cut.reason for cut in article.cuts) == is_own


def test_the_longest_host_counts(tmp_path: Path) -> None:
    both = sites(tmp_path, "[[site]]\nhost=['a.example', 'b.example']\ncut='p'\n[[site]]\nhost='x.a.example'\ncut='b'")
    found = [both.of(f"http://{name}/") for name in ("y.x.a.example", "x.b.example", "c.example")]
    assert [site.hosts[0] if site else "" for site in found] == ["x.a.example", "a.example", ""]
    assert host("http://[::1") == ""


@given(st.text(max_size=60), st.text(st.sampled_from("編者按更多內容請下載\n。水 "), max_size=60))
def test_a_page_is_rebuilt_whatever_the_file_says(
    tmp_path_factory: pytest.TempPathFactory, odd: str, like: str
) -> None:
    own = sites(tmp_path_factory.getbasetemp())
    for text in (odd, like, f"{like}\n{odd}"):
        cleaned(own, text=text)
        cleaned(own, f"<div class=author>{text}<b>{text}</b><span class=editor>{text}</span></div>{text}")


# What it is checked for.


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[[site]\n", ["no TOML", "line 1"]),
        ("", ["no [[site]]"]),
        ("[site]\nhost='a.example'\ncut='p'", ["no list of tables", "[[site]]"]),
        ("[[sites]]\nhost='a.example'", ["no key 'sites'"]),
        ("[[site]]\ncut='p'", ["site 1 has no host"]),
        ("[[site]]\nhost=3\ncut='p'", ["site 1", "host is 3"]),
        ("[[site]]\nhost='https://a.example/x'\ncut='p'", ["is no host", "without https://"]),
        ("[[site]]\nhost='*.a.example'\ncut='p'", ["is no host"]),
        ("[[site]]\nhost='a.example'", ["site 1 (a.example) says nothing"]),
        ("[[site]]\nhost='a.example'\nkeeps='p'", ["site 1 (a.example)", "no key 'keeps'", "host, cut, keep, rule"]),
        ("[[site]]\nhost='a.example'\ncut=[1]", ["(a.example): cut is [1]", "CSS selectors"]),
        ("[[site]]\nhost='a.example'\nkeep='div['", ["(a.example): keep has 'div['", "no CSS selector"]),
        ("[[site]]\nhost='a.example'\ncut=['']", ["no CSS selector"]),
        ("[[site]]\nhost='a.example'\ncut='p'\n[[site]]\nhost=['b.example', 'A.example']\ncut='p'",
         ["site 2", "'a.example' has a [[site]] already"]),
        ("[[site]]\nhost='a.example'\nrule='x'", ["rule is no list", "[[site.rule]]"]),
        ("[[site]]\nhost='a.example'\n[[site.rule]]\nkind='ads'\npattern='x'", ["rule 1", "'ads'", "advertisement, "]),
        ("[[site]]\nhost='a.example'\n[[site.rule]]\nkind=['ads']\npattern='x'", ["rule 1", "['ads']"]),
        ("[[site]]\nhost='a.example'\n[[site.rule]]\npattern='x'", ["rule 1", "no kind"]),
        ("[[site]]\nhost='a.example'\n[[site.rule]]\nkind='share'", ["rule 1", "no pattern"]),
        ("[[site]]\nhost='a.example'\n[[site.rule]]\nkind='share'\npattern='(x'", ["'(x'", "no regular expression"]),
        ("[[site]]\nhost='a.example'\n[[site.rule]]\nkind='share'\npattern='x*'", ["'x*' matches every line"]),
        ("[[site]]\nhost='a.example'\n[[site.rule]]\nkeep='yes'\npattern='x'", ["keep is 'yes'", "keep = true"]),
        ("[[site]]\nhost='a.example'\n[[site.rule]]\nkeep=true\npatern='x'", ["no key 'patern'"]),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, text: str, parts: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        sites(tmp_path, text)
    message = str(refused.value)
    assert message.startswith(str(tmp_path / "sites.toml"))
    assert all(part in message for part in parts), message


def test_a_missing_file_or_one_of_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_sites(tmp_path / "none.toml")
    (tmp_path / "big5.toml").write_bytes("# 網站".encode("big5"))
    with pytest.raises(UsageError, match="UTF-8"):
        read_sites(tmp_path / "big5.toml")


def test_every_kind_of_cut_may_be_given() -> None:
    assert kinds() == set(KINDS)


def test_the_content_of_the_file_decides_what_a_run_is(tmp_path: Path, own: Sites) -> None:
    without, same = Process(ProcessConfig()), Process(ProcessConfig(sites=sites(tmp_path)))
    other = Process(ProcessConfig(sites=sites(tmp_path, FILE + "# more\n")))
    first = Process(ProcessConfig(sites=own))
    assert first.options == same.options
    assert len({one.options["sites"] for one in (without, same, other)}) == 3
    assert first.versions["rules"] == f"{without.versions['rules']}+{own.digest}"
    copy = pickle.loads(pickle.dumps(own))
    assert (copy, copy.table) == (own, own.table)
