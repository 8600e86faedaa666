from __future__ import annotations

import gzip
import random
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.configure import shared_data
from pipeline.errors import PageError
from pipeline.ingest.decode import declared_in_markup, decode
from pipeline.ingest.encodings import COMMON, decode_as, encoding_name

HANT = "商務部今日公布新的出口管制清單，七種中重稀土及其磁材須先取得許可，業界認為將影響全球供應鏈。"
HANS = "商务部今日公布新的出口管制清单，七种中重稀土及其磁材须先取得许可，业界认为将影响全球供应链。"
CODECS = {"utf-8": "utf-8", "gb18030": "gb18030", "big5": "big5hkscs"}


def pairs(name: str) -> list[tuple[bytes, str]]:
    data = shared_data()
    file = data / "reference" / f"{name}_map_decode.txt.gz" if data else None
    if file is None or not file.exists():
        pytest.skip(f"the reference table of {name} is not here (TAOWEN_DATA)")
    rows = (line.split() for line in gzip.decompress(file.read_bytes()).decode().splitlines() if line.startswith("\\x"))
    return [(bytes.fromhex(row[0].replace("\\x", "")), "".join(chr(int(c, 16)) for c in row[1:])) for row in rows]


@pytest.mark.parametrize("name", ["big5", "gb18030"])
def test_every_pair_of_the_reference_comes_out_as_in_a_browser(name: str) -> None:
    table = pairs(name)
    assert len(table) > 14_000
    assert [(code.hex(), char) for code, char in table if decode_as(code, name) != char] == []
    assert decode_as(b"".join(code for code, _ in table), name) == "".join(char for _, char in table)


@pytest.mark.parametrize(("name", "crc"), [("big5", 0x3ABD82B5), ("gb18030", 0xAB3727C8)])
def test_every_two_byte_pair_decodes_the_same_on_every_interpreter(name: str, crc: int) -> None:
    trails = [*range(0x40, 0x7F), *range(0x80, 0xFF)]
    text = "\n".join(decode_as(bytes((lead, trail)), name) for lead in range(0x81, 0xFF) for trail in trails)
    assert zlib.crc32(text.encode()) == crc


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("big5", b"\xa2\x41\xa1\xfe\xa2\x42\xa2\x40", "∕／﹨＼"),
        ("big5", b"\x87\x7a\xa4\xa4\x88\x62", "㡵中Ê̄"),
        ("big5", b"\xa1\xa2\x41\xa4\xa4", decode_as(b"\xa1\xa2", "big5") + "A中"),  # a2 41 across two characters
        ("big5", b"\x81\x41\xa4\xa4", "\ufffdA中"),  # an ASCII trail byte is read again
        ("big5", b"\x81\xfe\xa4\xa4", "\ufffd中"),  # another one is lost with its lead, and the text stays in step
        ("gb18030", b"\x80\xff\xd6\xd0", "€\ufffd中"),
        ("gb18030", b"\xa3\xa0\xa8\xbc\x81\x35\xf4\x37", "\u3000\u1e3f\ue7c7"),
        ("gb18030", b"\x81\x30\x20\xd6\xd0\x84\x31\xa4\x37", "\ufffd0 中\ufffd"),
        ("windows-1252", b"\x93caf\xe9\x94\x81", "“café”\x81"),
        ("shift_jis", b"\x88\xc0\x81", "安\ufffd"),
    ],
)
def test_errors_and_odd_pairs_are_read_as_the_standard_says(name: str, data: bytes, text: str) -> None:
    assert decode_as(data, name) == text


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("GB2312", "gb18030"),
        (" gbk\n", "gb18030"),
        ("gb_2312-80", "gb18030"),
        ("Big5-HKSCS", "big5"),
        ("cn-big5", "big5"),
        ("x-x-big5", "big5"),
        ("UTF8", "utf-8"),
        ("sjis", "shift_jis"),
        ("ks_c_5601-1987", "euc-kr"),
        ("ISO-8859-1", "windows-1252"),
        ("ISO-8859-5", "iso-8859-5"),
        ("cp1251", "windows-1251"),
        ("utf-7", ""),
        ("", ""),
    ],
)
def test_labels(label: str, name: str) -> None:
    assert encoding_name(label) == name
    if name:
        decode_as(b"a\xe4\xb8\xad\x81", name)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b'<meta charset="big5">', "big5"),
        (b"<META CHARSET=gb2312 />", "gb18030"),
        (b"<meta http-equiv='Content-Type' content='text/html; charset=GBK'>", "gb18030"),
        (b'<meta content="text/html;charset=utf-8" http-equiv=content-type>', "utf-8"),
        (b'<meta charset="utf-16">', "utf-8"),
        (b'<meta charset="x-user-defined">', "windows-1252"),
        (b'<?xml version="1.0" encoding="Big5"?><html>', "big5"),
        (b'<!-- <meta charset="big5"> --><meta charset="gbk">', "gb18030"),
        (b'<a title="<meta charset=big5>"><meta charset="gbk">', "gb18030"),
        (b'<meta name="x" content="text/html; charset=big5">', ""),
        (b'<meta charset="nonsense"><meta charset="big5">', "big5"),
        (b"<!-- open <meta charset=big5>", ""),
        (b" " * 4096 + b'<meta charset="big5">', ""),
        (b'<meta charset="big5', ""),
    ],
)
def test_declarations_in_markup(head: bytes, name: str) -> None:
    assert declared_in_markup(head) == name


@pytest.mark.parametrize("hint", ["", "utf-8", "gbk", "big5", "iso-8859-1", "windows-1251", "euc-kr", "nonsense"])
@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("text", [HANT, HANS])
def test_a_wrong_declaration_does_not_destroy_a_page(text: str, name: str, hint: str) -> None:
    if name == "big5" and text == HANS:
        text = HANT
    for page in (text, f'<html><head><meta charset="{hint}"><script>{"x=1;" * 5000}</script></head><p>{text}</p>'):
        assert decode(page.encode(CODECS[name]), hint) == (page, name)


@given(st.text(st.sampled_from(sorted(COMMON)), min_size=4), st.sampled_from(["utf-8", "gb18030"]))
def test_what_was_declared_rightly_comes_back(text: str, name: str) -> None:
    assert decode(text.encode(name), name) == (text, name)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Co", "Cn"]), min_size=1))
@example("\u4e2d\r\n\u6587\r")
def test_utf8_comes_back_with_its_line_breaks(text: str) -> None:
    if not text.startswith("\ufeff") and "\ufffd" not in text:
        assert decode(b"\xef\xbb\xbf" + text.encode(), "") == (text, "utf-8")


@pytest.mark.parametrize(
    ("name", "codec", "text"),
    [
        ("euc-kr", "cp949", "산업통상자원부는 오늘 희토류 수출 통제에 대한 새로운 대책을 발표했다. "),
        ("shift_jis", "cp932", "経済産業省は本日、レアアースの輸出規制に関する新しい方針を明らかにした。"),
        ("euc-jp", "euc_jp", "経済産業省は本日、レアアースの輸出規制に関する新しい方針を明らかにした。"),
        ("windows-1251", "cp1251", "Министерство торговли сообщило о новых пошлинах на ввоз металлов. "),
        ("windows-1252", "cp1252", "Le ministère a présenté des mesures très sévères à l'égard des métaux. "),
    ],
)
def test_other_languages_keep_their_declared_encoding(name: str, codec: str, text: str) -> None:
    assert decode((text * 3).encode(codec), name) == (text * 3, name)
    assert decode((text * 3).encode(), "") == (text * 3, "utf-8")


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("before", ["", "<style>" + "a {}\n" * 2001 + "</style>"])
def test_wide_characters_with_and_without_their_mark(codec: str, before: str) -> None:
    page = f"<html><head><title>{HANS}</title></head><body class='a'>{before}<p>{HANS}</p></body></html>"
    name = codec.replace("6-", "6").replace("2-", "2")
    assert decode(page.encode(codec)) == (page, name)
    assert decode(("\ufeff" + page).encode(codec), "gbk") == (page, name)
    assert decode(("\ufeff" + page).encode(codec), "utf-32") == (page, name)
    assert decode(("\ufeff" + "plain words\n" * 9).encode(codec)) == ("plain words\n" * 9, name)


@pytest.mark.parametrize("charset", ["", "hz-gb-2312", "gb2312"])
def test_chinese_in_ascii(charset: str) -> None:
    page = f"<p>~~ {HANS}</p>\n" + "x" * 100_000 + f"{HANS}\n"
    assert decode(page.encode("hz"), charset) == (page, "hz-gb-2312")
    assert decode(HANS.encode("gb18030"), charset) == (HANS, "gb18030")
    for text in ("cd ~{a,b}; echo ~} ~{ ~~ ~", "~{" * 300, "~{!!~}" * 300, "if (~{x}) ~{ABCDEFGHIJ~}" * 50):
        assert decode(text.encode(), charset)[0] == text


def test_a_few_damaged_bytes_are_marked_and_the_rest_is_kept() -> None:
    data = HANS.encode()
    text, name = decode(data[:30] + b"\xff" + data[30:] + b"\xe4\xb8", "utf-8")
    assert name == "utf-8"
    assert text == HANS[:10] + "\ufffd" + HANS[10:] + "\ufffd"
    assert decode(b"<p>" + data + b"</p>" + b"\0" * 9999)[0].rstrip("\0") == f"<p>{HANS}</p>"


@pytest.mark.parametrize("seed", range(8))
def test_rubbish_is_refused(seed: int) -> None:
    random_bytes = random.Random(seed).randbytes(400 + 50 * seed)
    for data in (random_bytes, gzip.compress(random_bytes), b"\0" * (seed + 1), b"\x7fELF" + random_bytes):
        with pytest.raises(PageError) as caught:
            decode(data)
        assert caught.value.stage == "decode"


def test_nothing_is_a_text() -> None:
    assert decode(b"") == ("", "utf-8")
    assert decode(b"plain", "gbk") == ("plain", "gb18030")


@given(st.binary(max_size=300), st.sampled_from(["", "gbk", "big5", "utf-16le", "shift_jis", "iso-2022-jp", "x"]))
def test_bytes_give_text_or_a_page_error(data: bytes, hint: str) -> None:
    try:
        text, name = decode(data, hint)
    except PageError as error:
        assert error.stage == "decode" and error.reason
    else:
        assert encoding_name(name) == name
        assert text.encode("utf-8").decode("utf-8") == text


@pytest.mark.parametrize("wrong", ["latin-1", "cp1252"])
def test_what_was_encoded_twice_is_decoded_twice(wrong: str) -> None:
    text = "港務公司昨天宣布，新碼頭下個月啟用，第一批貨櫃已經到港。工人說，這一天等了三年。" * 2
    text = "".join(c for c in text if wrong == "latin-1" or not {0x81, 0x8D, 0x8F, 0x90, 0x9D} & set(c.encode()))
    doubled = text.encode().decode(wrong).encode()
    assert decode(b"<p>" + doubled + b"</p> ok")[0] == f"<p>{text}</p> ok"


def test_accents_of_other_languages_stay() -> None:
    text = "Les élèves ont été très étonnés par l'été à Genève; château, forêt, côté, père, mère, père, mère. " * 5
    assert decode(text.encode())[0] == text
