"""The worked example of docs/adding.md: a fourth topic beside the three shipped ones."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from pipeline.topics.corpus import Example, read_corpus
from pipeline.topics.learn import train
from pipeline.topics.tagger import Tagger
from pipeline.topics.taxonomy import Taxonomy, parse_taxonomy, read_taxonomy

ROOT = Path(__file__).parents[2]
DICE = random.Random(8)

WHO = ("竹科一家晶圓廠", "無錫一家封測厂", "某設備廠", "記憶體業者", "一家晶片設計公司")
WHAT = (
    "宣布新製程的良率超過八成", "將擴建先進封裝產線", "下單採購新一代光刻機", "調高芯片报价一成", "取得車用晶片訂單",
    "把奈米級晶圓交給客戶驗證", "因半導體景氣回溫而加班", "与大学合办集成电路学院",
)  # fmt: skip
ELSE = (
    "市民在河邊野餐，孩子放風箏。", "球隊在終場前追平，延長賽落敗。", "醫院提醒民眾接種流感疫苗。",
    "洋芋晶片新口味上市，超商推第二件六折。", "社區图书馆周末举办讲座。", "捷運站外的早餐店漲價五元。",
)  # fmt: skip


def written() -> list[Example]:
    found = []
    for number in range(30):
        lines = [f"{DICE.choice(WHO)}{DICE.choice(WHAT)}。" for _ in range(4)]
        found.append(Example(f"chip-{number}", DICE.choice(WHAT), "".join(lines), ("semiconductors",), kind="own"))
        plain = "".join(DICE.sample(ELSE, 4))
        found.append(Example(f"none-{number}", "", plain, (), kind="own"))
    return found


def added() -> Taxonomy:
    """The shipped topics with the table that stands in docs/adding.md."""
    (table,) = re.findall(r"```toml\n( +\[\[topics\]\].*?)```", (ROOT / "docs" / "adding.md").read_text("utf-8"), re.S)
    fourth = "\n".join(line.strip() for line in table.splitlines())
    whole = read_taxonomy().source.replace("\n[background]\n", f"\n{fourth}\n[background]\n")
    return parse_taxonomy(whole, "docs/adding.md")


def test_a_fourth_topic_is_learnt_and_the_old_ones_tag_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAOWEN_DATA", str(tmp_path / "none"))
    taxonomy = added()
    assert taxonomy.ids == ("rare_earths", "trade_war", "geopolitics", "semiconductors")
    own = read_corpus(ROOT / "corpora", read_taxonomy().ids)
    train(own, tmp_path / "three", read_taxonomy())
    train([*own, *written()], tmp_path / "four", taxonomy)
    three, four = Tagger.load(tmp_path / "three"), Tagger.load(tmp_path / "four")
    unseen = (
        "先進製程的晶圓出貨增加，封裝廠產能滿載，設備廠預估半導體訂單看到明年。"
        "記憶體報價止跌，晶片設計公司也說庫存已經回到正常。"
    )
    assert [tag.id for tag in four.tag([unseen])[0]] == ["semiconductors"]
    assert four.tag(["洋芋晶片買一送一，市民排隊搶購。"]) == [[]]
    texts, titles = [e.text for e in own], [e.title for e in own]
    old = [{tag.id for tag in tags} for tags in three.tag(texts, titles)]
    new = [{tag.id for tag in tags} - {"semiconductors"} for tags in four.tag(texts, titles)]
    assert sum(a == b for a, b in zip(old, new, strict=True)) >= 0.97 * len(own)
