"""Damaged WARC files: what is whole is read, what is not is rejected with its place, nothing is a page that is none.

`CASES` builds each file out of the same records, one of them spoiled. A case says which records must be there; the rest
is demanded of all of them alike.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import random
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard

from pipeline.article import Page, Reject, Skip
from pipeline.ingest.read import read

from .test_read import http, warc

NUMBER = 8
SPOILT = 4
"""Of the records, this one is damaged."""


def body(number: int) -> bytes:
    """A page that does not compress much, of 700 to 5,600 bytes."""
    chance = random.Random(number)
    signs = "".join(chr(chance.randrange(0x4E00, 0x9FA0)) for _ in range(200 * (number + 1)))
    return f"<html><body><p>{number}：{signs}</p></body></html>".encode()


BODIES = [body(number) for number in range(NUMBER)]
GOOD = [warc("response", http(BODIES[number], media="text/html; charset=utf-8"), number) for number in range(NUMBER)]
BLOCK = http(BODIES[SPOILT], media="text/html; charset=utf-8")


def spoilt(**wrong: str) -> bytes:
    return warc("response", BLOCK, SPOILT, **wrong)


@dataclass(frozen=True)
class Case:
    name: str
    data: bytes
    kept: frozenset[int]
    """Records that must be there."""
    also: frozenset[int] = frozenset()
    """Records that may be."""
    rejected: bool | None = True
    """None where either will do."""
    garbled: bool = False
    """Whether a page may come out wrong: one gzip member has one checksum, behind all of its records."""


OTHERS = frozenset(range(NUMBER)) - {SPOILT}
ALL = frozenset(range(NUMBER))
PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gz": lambda data: gzip.compress(data, mtime=0),
    "zst": lambda data: zstandard.ZstdCompressor(write_checksum=True).compress(data),
}


def damaged_records() -> Iterator[tuple[str, bytes, bool]]:
    """Yield a name, what stands in the place of a record, and whether that is a fault."""
    length = len(BLOCK)
    for name, value in {
        "no length": "",
        "a length of 0": "0",
        "a length too small": str(length - 300),
        "a length one too small": str(length - 1),
        "a length that swallows the next record": str(length + 2000),
        "a length beyond the end": str(10**7),
        "a huge length": "9" * 18,
        "a length of forty digits": "9" * 40,
        "a negative length": "-7",
        "a length in words": "ten",
        "a length in hexadecimal": hex(length),
        "a length in full-width digits": "１２",
    }.items():
        yield name, spoilt(Content_Length=value), True
    whole = spoilt()
    head, _, rest = whole.partition(b"\r\n\r\n")
    yield "cut in its block", whole[: len(whole) // 2], True
    yield "cut in its header", whole[:60], True
    yield "cut in its HTTP header", whole[: len(head) + 20], True
    yield "a piece missing in its block", whole[:900] + whole[1500:], True
    yield "a piece too many in its block", whole[:900] + b"x" * 700 + whole[900:], True
    yield "another version line", b"WRAC/1.1" + whole[8:], True
    yield "no blank line behind its header", head + b"\r\n" + rest, True
    yield "rubbish for a header", bytes(range(256)) + rest, True
    yield "no HTTP header", warc("response", b"HTTP nonsense", SPOILT), True
    yield "a status that is none", warc("response", BLOCK.replace(b"200 OK", b"OK", 1), SPOILT), True
    yield "a cut gzip body", warc("response", http(gzip.compress(BLOCK)[:-20], "Content-Encoding: gzip"), SPOILT), True
    yield "a broken gzip body", warc("response", http(b"\x1f\x8b\x08" + bytes(90), "Content-Encoding: gzip"), 4), True
    yield "cut chunks", warc("response", http(b"ff\r\nabc", "Transfer-Encoding: chunked"), SPOILT), True
    yield "a header of 2 MB", spoilt(X_Long="y" * (2 << 20)), True
    yield "a length one too large", spoilt(Content_Length=str(length + 1)), False
    yield "a length two too large", spoilt(Content_Length=str(length + 2)), False
    yield "a header of 200 kB", spoilt(X_Long="y" * 200_000), False
    yield "line feeds alone", head.replace(b"\r\n", b"\n") + b"\n\n" + rest, False
    yield "more blank lines behind it", whole + b"\r\n" * 9, False
    yield "lower case", whole.replace(b"Content-Length", b"content-length", 1), False
    yield "a folded header", spoilt(X_Long="a\r\n b"), False
    yield "no id", spoilt(WARC_Record_ID=""), False


def digested(number: int) -> bytes:
    """A record that tells the digest of its block, as crawlers write it."""
    block = http(BODIES[number], media="text/html; charset=utf-8")
    digest = base64.b32encode(hashlib.sha1(block).digest()).decode()
    return warc("response", block, number, WARC_Block_Digest=f"sha1:{digest}")


def flips() -> Iterator[Case]:
    """Yield files with one bit flipped: in a plain file nothing but the digest can tell."""
    records = [digested(number) for number in range(NUMBER)]
    packed = gzip.compress(b"".join(records), mtime=0)
    before, record, after = b"".join(records[:SPOILT]), records[SPOILT], b"".join(records[SPOILT + 1 :])
    head = record.index(b"\r\n\r\n") + 4
    chance = random.Random(8)
    places = {"version": 2, "length": record.index(b"Content-Length:") + 16, "blank line": head - 3}
    places |= {f"block at {at}": at for at in chance.sample(range(head, len(record) - 4), 20)}
    for what, at in places.items():
        flipped = record[:at] + bytes([record[at] ^ 1 << chance.randrange(3)]) + record[at + 1 :]
        yield Case(f"a bit of the {what} flipped, plain", before + flipped + after, OTHERS)
    yield Case("digests that are all wrong, plain", b"".join(records).replace(b"sha1:", b"sha1:A"), ALL, rejected=False)
    wrong = b"".join(re.sub(rb"sha1:....", b"sha1:AAAA", record) for record in records)
    yield Case("digests that are never right, plain", wrong, ALL, rejected=False)
    for share in (0.2, 0.5, 0.8):
        at = int(len(packed) * share)
        broken = packed[:at] + b"\xff\0\xff" + packed[at + 3 :]
        yield Case(f"one member with digests, broken at {share:.0%}", broken, frozenset(), ALL)


def cases() -> Iterator[Case]:
    """Yield every damaged file."""
    for packing, pack in PACK.items():
        records = [pack(record) for record in GOOD]
        before, after = b"".join(records[:SPOILT]), b"".join(records[SPOILT + 1 :])
        for name, record, fault in damaged_records():
            yield Case(f"{name}, {packing}", before + pack(record) + after, OTHERS if fault else ALL, ALL, fault)
        for name, rubbish in {
            "rubbish": b"rubbish\r\n\r\n" * 40,
            "zeros": bytes(5000),
            "another page": BODIES[0],
            "noise": random.Random(8).randbytes(3000),
        }.items():
            padding = name == "zeros" and packing != "plain"  # gzip allows it
            yield Case(
                f"{name} between records, {packing}",
                before + rubbish + records[SPOILT] + after,
                ALL,
                rejected=None if padding else True,
            )
        yield Case(f"rubbish before all, {packing}", b"WARC/1.1 is coming\r\n" * 9 + before + after, OTHERS)
        yield Case(f"rubbish behind all, {packing}", before + after + b"rubbish", OTHERS)
        whole = before + records[SPOILT] + after
        for share in (0.03, 0.2, 0.37, 0.5, 0.61, 0.8, 0.97):
            at = int(len(whole) * share)
            ends = [len(b"".join(records[: number + 1])) for number in range(NUMBER)]
            yield Case(
                f"cut at {share:.0%}, {packing}", whole[:at], frozenset(n for n, end in enumerate(ends) if end <= at)
            )
        if packing == "plain":
            continue
        packed = records[SPOILT]
        for name, member in {
            "its first byte": b"\0" + packed[1:],
            "its method": packed[:2] + b"\x07" + packed[3:],
            "a byte in the middle": packed[: len(packed) // 2] + b"\xff\0\xff" + packed[len(packed) // 2 + 3 :],
            "its checksum": packed[:-8] + bytes(byte ^ 0x55 for byte in packed[-8:]),
            "its last bytes, gone": packed[:-10],
            "its second half, gone": packed[: len(packed) // 2],
        }.items():
            yield Case(f"{name}, {packing}", before + member + after, OTHERS, ALL if "last bytes" in name else OTHERS)
    yield from flips()
    one = gzip.compress(b"".join(GOOD), mtime=0)
    for share in (0.3, 0.6, 0.9):
        at = int(len(one) * share)
        unpacked = zlib.decompressobj(31).decompress(one[:at])
        ends = [len(b"".join(GOOD[: number + 1])) for number in range(NUMBER)]
        there = frozenset(n for n, end in enumerate(ends) if end + 2000 <= len(unpacked))
        yield Case(f"one member for all, cut at {share:.0%}", one[:at], there, ALL)
        flipped = one[:at] + b"\xff\0\xff" + one[at + 3 :]
        yield Case(f"one member for all, broken at {share:.0%}", flipped, there, ALL, garbled=True)


CASES = list(cases())


def test_there_are_enough() -> None:
    assert len(CASES) >= 60 and len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_is_lost_quietly(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(case.data)
    found = list(read(str(path)))
    pages = [one for one in found if isinstance(one, Page)]
    rejects = [one for one in found if isinstance(one, Reject)]
    assert not [one for one in found if isinstance(one, Skip)], found
    htmls = [
        page.html.rstrip() for page in pages if isinstance(page.html, bytes)
    ]  # a length one or two too large: line breaks more
    assert case.garbled or not set(htmls) - set(BODIES), "a page that is none"
    numbers = [BODIES.index(html) for html in htmls if html in BODIES]
    assert case.kept <= set(numbers), sorted(case.kept - set(numbers))
    assert set(numbers) <= case.kept | case.also
    assert numbers == sorted(set(numbers)), "in order, and none twice"
    assert case.rejected in (None, bool(rejects)), rejects
    for reject in rejects:
        assert reject.stage == "read" and reject.reason
    if case.name.endswith("plain"):
        assert all(case.data[page.position :].startswith(b"WARC/1.1") for page in pages)
        assert [one.position for one in found] == sorted({one.position for one in found})
        assert max(one.position for one in found) < len(case.data)
    elif "one member" not in case.name:
        assert all(case.data[page.position : page.position + 3] in (b"\x1f\x8b\x08", b"\x28\xb5\x2f") for page in pages)


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        (BODIES[0], [Page]),
        (gzip.compress(BODIES[0]), [Page]),
        ("商務部公布新的出口管制清單。".encode(), [Reject]),
        (b"", []),
        (gzip.compress(b""), []),
        (b"WARC/1.1\r\n", [Reject]),
        (random.Random(8).randbytes(5000), [Reject]),
    ],
)
def test_what_is_only_named_like_one(data: bytes, kinds: list[type], tmp_path: Path) -> None:
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(data)
    assert [type(one) for one in read(str(path))] == kinds
