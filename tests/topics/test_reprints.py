from __future__ import annotations

import random

from pipeline.script.convert import convert
from pipeline.topics.features import key
from pipeline.topics.reprints import clusters

DICE = random.Random(3)
WORDS = ("稀土", "关税", "会谈", "工厂", "价格", "昨天", "宣布", "市民", "天气", "球队", "学校", "医院", "码头", "电影")


def story(length: int = 120) -> str:
    return "".join(DICE.choice(WORDS) + chr(0x4E00 + DICE.randrange(3000)) for _ in range(length))


def test_reprints_are_found_across_scripts_cut_or_with_a_preface() -> None:
    first, second = story(), story()
    printed = [
        first,
        second,
        convert(first, "zh-Hant"),
        f"本报讯：{second}",
        story(),
        first[: len(first) * 3 // 4],
        "",
        "稀土",
        "",
    ]
    assert clusters([key(text) for text in printed]) == [0, 1, 0, 1, 4, 0, 6, 7, 8]
    assert clusters([]) == []
