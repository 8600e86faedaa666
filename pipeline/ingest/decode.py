"""From bytes to text: which encoding a page is in, and whether it is text at all.

The order is a browser's (byte order mark, transport, `meta`, then detection), but a declaration is a hint that has to
stand up to the bytes: when another reading is Chinese and the declared one is not, the other one is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.errors import PageError
from pipeline.ingest.encodings import COMMON, decode_as, encoding_name

__all__ = ["declared_in_markup", "decode"]

_PRESCAN = 4096
"""Bytes searched for a declaration. The standard asks for the first 1024; news templates put styles before it."""
_SAMPLES = (1 << 13, 1 << 15, 1 << 17, 1 << 19)
"""Bytes by which readings are compared: the smallest of these that holds enough, from the first non-ASCII one on."""
_ENOUGH = 1000
"""Non-ASCII bytes. Some 400 characters, so the standard error of a share of 0.7 is 0.02."""
_CHINESE = 0.25
"""Quality from which a reading is Chinese. In the three encodings 1,880 real articles and 151 pages have 0.29 or more
when read rightly (half of them over 0.75), 0.11 or less when read wrongly; other languages read as Chinese stay under
0.15."""
_MARGIN = 0.25
"""By how much another reading has to beat the declared one in texts too short for that."""
_SHORT = 50
"""Characters under which every reading is tried."""
_HZ = re.compile(rb"\A[^~]*(?:~[^{][^~]*)*")
"""What lies before the first Chinese character of HZ."""
_RUBBISH = 0.1
"""Share of control characters and U+FFFD from which data is no text. Random bytes have 0.2 or more, images and
archives 0.15 or more, real pages under 0.01."""

_FEW = 3
"""Lost characters that never make a page rubbish, unless they are half of it."""

_CHINESE_ENCODINGS = ("utf-8", "gb18030", "big5")
"""What Chinese pages are in, and tried on every page."""
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be"))
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
"""What the WHATWG's MIME sniffing calls binary, and DEL. ESC is none: ISO-2022-JP needs it."""
_CONTROL_BYTES = bytes((*range(0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F))
_HIGH_BYTES = bytes(range(0x80, 0x100))
_PLAIN = bytes((0x09, 0x0A, 0x0C, 0x0D, 0x1B, *range(0x20, 0x7F)))
_HIGH = re.compile(rb"[\x80-\xff]+")
_ACCENT = re.compile(rb"(?<=[a-zA-Z'])[\xc0-\xff](?=[a-z .,;:!?'])")
_BAD = re.compile("[\x00-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\ufffe\uffff]")
_OTHER_CJK = re.compile("[\u3041-\u30fe\uac00-\ud7a3]")
_TOKEN = re.compile(
    rb"<!--.*?(?:-->|\Z)|<meta(?=[\s/])(?P<meta>(?:[^>\"']|\"[^\"]*\"|'[^']*')*+)>"
    rb"|</?[a-z](?:[^>\"']|\"[^\"]*\"|'[^']*')*+>|<[!/?][^>]*>",
    re.I | re.S,
)
_ATTRIBUTE = re.compile(rb"([^\s/>=]+)\s*(?:=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+)))?")
_CHARSET = re.compile(rb"charset\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;\"']+))", re.I)
_XML = re.compile(rb"\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"'>]+)[\"']", re.I)


_CP1252 = frozenset(bytes(b for b in range(0x80, 0xA0) if b not in b"\x81\x8d\x8f\x90\x9d").decode("cp1252"))
"""What windows-1252 has at 80 to 9F: UTF-8 that was read as Latin-1 is read as windows-1252 in truth."""
_ACCENTED = re.compile("[\xe3-\xe9]")
"""What the first byte of nearly every Chinese character in UTF-8 is read as."""
_TWICE = re.compile("[\x80-\xff" + "".join(sorted(_CP1252)) + "]{3,}")
_DOUBLED = 20
"""First bytes from which a page without as many Han characters counts as encoded twice. No European page has so many
of just these letters in a row with what follows them."""
_HAN = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the sample looks when it is read as `name`."""

    name: str
    letters: int
    """Characters counted: all but printable ASCII and white space."""
    bad: float
    """Share of them that no text has: U+FFFD, controls, private use."""
    quality: float
    """Share of them that are frequent in Chinese (or kana, or hangul), less twice the bad share."""


def decode(data: bytes, charset: str = "") -> tuple[str, str]:
    """Return the text of `data` and the WHATWG name of the encoding it was read in.

    A byte order mark is taken off; line breaks stay as they are. What cannot be decoded becomes U+FFFD.

    Args:
        data: a page or a text file as it was stored.
        charset: what the transport declared (an HTTP header's charset); "" where nothing did.

    Raises:
        PageError: the bytes are no text (stage "decode").
    """
    hints = _hints(data, charset)
    if data.isascii() and b"\x1b" not in data and not (hints and _is_wide(hints[0]) and b"\0" in data):
        if b"~{" in data and _is_hz(data):
            return data.decode("hz", "replace"), "hz-gb-2312"
        name = hints[0] if hints and not _is_wide(hints[0]) and hints[0] != "hz-gb-2312" else "utf-8"
        text = data.decode("ascii")
    else:
        name = _choose(data, hints)
        text = decode_as(data, name)
    text = text.removeprefix("\ufeff")
    controls = len(_CONTROLS.findall(text)) if _is_wide(name) else _count_controls(data)
    _refuse_rubbish(text, controls)
    return _decoded_again(text), name


def _is_wide(name: str) -> bool:
    return name.startswith(("utf-16", "utf-32"))


def _is_hz(data: bytes) -> bool:
    """Whether ASCII is Chinese in HZ, between ~{ and ~}: nobody writes so by chance, and hardly anybody declares it."""
    reading = _read_as(_HZ.sub(b"", data)[: _SAMPLES[-1]], "hz-gb-2312", valid=False)
    return reading.letters >= _FEW and reading.quality >= _CHINESE


def _decoded_again(text: str) -> str:
    """Return the text without double encoding: UTF-8 that a program took for Latin-1 and encoded again.

    Only what then is Chinese is taken; text that came as text is never touched, this is for bytes.
    """
    accents = len(_ACCENTED.findall(text))
    if accents >= _DOUBLED and accents > 2 * len(_HAN.findall(text)):
        text = _TWICE.sub(_once, text)
    return text


def _once(match: re.Match[str]) -> str:
    data = b"".join(c.encode("cp1252") if c in _CP1252 else c.encode("latin-1") for c in match[0])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return match[0]


def declared_in_markup(data: bytes) -> str:
    """Return the WHATWG name that the markup's head declares (`meta` or the XML declaration), or ""."""
    head = data[:_PRESCAN]
    for token in _TOKEN.finditer(head):
        if token["meta"] is not None and (name := _declared_in_meta(token["meta"])):
            return name
    declaration = _XML.match(head)
    return _in_markup(declaration[1]) if declaration else ""


def _declared_in_meta(attributes: bytes) -> str:
    found: dict[bytes, bytes] = {}
    for match in _ATTRIBUTE.finditer(attributes):
        found.setdefault(match[1].lower(), match[2] or match[3] or match[4] or b"")
    if b"charset" in found:
        return _in_markup(found[b"charset"])
    if found.get(b"http-equiv", b"").strip().lower() == b"content-type":
        match_ = _CHARSET.search(found.get(b"content", b""))
        if match_:
            return _in_markup(match_[1] or match_[2] or match_[3] or b"")
    return ""


def _in_markup(label: bytes) -> str:
    text = label.decode("latin-1")
    if text.strip().lower() == "x-user-defined":
        return "windows-1252"
    name = encoding_name(text)
    # Markup that could be read as ASCII is not UTF-16, whatever it says.
    return "utf-8" if _is_wide(name) else name


def _hints(data: bytes, charset: str) -> list[str]:
    mark = next((name for sign, name in _MARKS if data.startswith(sign)), "")
    declared = (mark, encoding_name(charset.strip("\"' ")), declared_in_markup(data))
    return list(dict.fromkeys(name for name in declared if name))


def _sample(data: bytes) -> bytes:
    start = 0
    # A page may carry 300 kB of scripts before its first Chinese word; a lead byte is where the sample starts.
    if data[: _SAMPLES[0]].isascii() and (first := _HIGH.search(data, _SAMPLES[0])):
        start = first.start() & ~3  # whole characters of UTF-16 and UTF-32
    sample = b""
    for size in _SAMPLES:
        sample = data[start : start + size]
        if start + size >= len(data) or size - len(sample.translate(None, _HIGH_BYTES)) >= _ENOUGH:
            break
    return sample


def _choose(data: bytes, hints: list[str]) -> str:
    sample = _sample(data)
    names = [*hints, *_CHINESE_ENCODINGS]
    if b"\0" in sample:
        wide = ["utf-16le", "utf-16be", "utf-32le", "utf-32be"]
        body = sample.strip(b"\0")
        controls = _count_controls(body)
        if controls > _RUBBISH * len(body):
            return _choose_wide(sample, wide, controls, len(body))
        names += wide
    try:
        data.decode("utf-8")
        valid = True
    except UnicodeDecodeError:
        valid = False
    readings: dict[str, _Reading] = {}
    expected = set(hints) <= {*_CHINESE_ENCODINGS, "windows-1252"}
    for name in dict.fromkeys(names):
        reading = readings[name] = _read_as(sample, name, valid=valid)
        if expected and reading.quality >= _CHINESE and reading.letters >= _SHORT:
            return name  # two readings of the same bytes are never both Chinese
    best = max(readings.values(), key=lambda reading: reading.quality)
    for hint in hints:
        beaten = best.quality >= _CHINESE and best.quality > readings[hint].quality + _MARGIN
        if readings[hint].bad <= _RUBBISH and not beaten:
            return hint
    if best.quality >= _CHINESE:
        return best.name
    if valid:
        return "utf-8"
    # Accents stand alone between ASCII letters, characters of two bytes do not.
    if 2 * len(_ACCENT.findall(sample)) > len(_HIGH.findall(sample)):
        return "windows-1252"
    return max(_CHINESE_ENCODINGS, key=lambda name: readings[name].quality)


def _choose_wide(sample: bytes, names: list[str], controls: int, length: int) -> str:
    best = max((_read_as(sample, name, valid=False) for name in names), key=lambda reading: reading.quality)
    if best.quality < _CHINESE:
        raise PageError("decode", f"no text: {controls} control bytes of {length}")
    return best.name


def _read_as(sample: bytes, name: str, *, valid: bool) -> _Reading:
    text = decode_as(sample, name).removeprefix("\ufeff")
    # By way of UTF-8, since bytes.translate is twenty times as fast as a regular expression here.
    letters = text.encode("utf-8", "surrogatepass").translate(None, _PLAIN).decode("utf-8", "surrogatepass")
    count = len(letters)
    if not count:
        # Nothing but ASCII came out: right for UTF-16 or UTF-32 of an English page, no evidence otherwise.
        return _Reading(name, 0, 0.0, _CHINESE if _is_wide(name) and text else 0.0)
    bad = len(_BAD.findall(letters)) / count
    # Kana and hangul count half: enough against chance, too little against Chinese.
    common = (sum(map(COMMON.__contains__, letters)) + 0.5 * len(_OTHER_CJK.findall(letters))) / count
    # Bytes that are valid UTF-8 by chance are short: GB18030 pairs are so in one case of seven.
    bonus = 0.5 * min(1.0, count / 4) if name == "utf-8" and valid else 0.0
    return _Reading(name, count, bad, common - 2 * bad + bonus)


def _count_controls(data: bytes) -> int:
    return len(data) - len(data.translate(None, _CONTROL_BYTES))


def _refuse_rubbish(text: str, controls: int) -> None:
    length = len(text.strip("\0"))  # a page may be padded with NUL after a crash
    controls -= len(text) - length
    lost = text.count("\ufffd")
    if text and not length:
        raise PageError("decode", "nothing but NUL bytes")
    if controls + lost > max(_FEW, _RUBBISH * length) or 2 * (controls + lost) > length:
        raise PageError("decode", f"no text: {controls} control characters and {lost} undecodable of {length}")
