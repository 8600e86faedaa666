from __future__ import annotations

import pickle
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.configure import data_path
from pipeline.script.fold import characters_folded, fold
from pipeline.script.identify import _HAN, _JAPANESE, Script, as_leaning, classify, identify, leanings
from pipeline.script.identify import HANS as OF_HANS
from pipeline.script.identify import HANT as OF_HANT
from pipeline.script.learn_leaning import _pieces
from pipeline.script.tables import installed_dictionary

HANT = "經濟部昨日宣布，對進口的稀土磁鐵課徵關稅，業者認為價格將會上漲。"
HANS = "经济部昨日宣布，对进口的稀土磁铁课征关税，业者认为价格将会上涨。"
JAPANESE = "政府はレアアースの輸出規制について、関係国と協議を続けると発表した。"
KOREAN = "정부는 희토류 수출 규제에 대해 관계국과 협의를 계속하겠다고 밝혔다. 中國"
ENGLISH = "The ministry said on Monday that tariffs on rare earths (稀土) are to rise in the next month."
CANTONESE = "佢哋話呢啲嘢唔係我哋整㗎，咁樣冇可能嘅，你睇下先啦。"


@pytest.mark.parametrize(
    ("text", "script", "language"),
    [
        (HANT, "zh-Hant", "zh-Hant"),
        (HANS, "zh-Hans", "zh-Hans"),
        (HANT + HANS, "mixed", "zh"),
        (JAPANESE, "other", "ja"),
        (KOREAN, "other", "ko"),
        (ENGLISH, "other", "en"),
        ("Министерство сообщило о новых пошлинах.", "other", "und"),
        (CANTONESE, "zh-Hant", "yue-Hant"),
        ("中文", "none", "zh"),
        ("", "none", "und"),
        ("12:30 — 3.5%", "none", "und"),
        ("米政府、対中関税を25%に引き上げ", "other", "ja"),
        ("政府、経済対策決定 補正予算十兆円", "other", "ja"),
        ("電気自動車関税百％ 米政府発表", "other", "ja"),
        ("日本演員広末涼子與桜井翔將出席電影首映，購票民眾排隊", "zh-Hant", "zh-Hant"),
        ("優の良品開新店，顧客排隊購買", "zh-Hant", "zh-Hant"),
        ("Apple 和 NVIDIA 宣布在台灣擴大投資", "zh-Hant", "zh-Hant"),
    ],
)
def test_script_and_language(text: str, script: str, language: str) -> None:
    found = identify(text)
    assert (found.script, found.language) == (script, language)


def test_characters_of_japanese_are_in_neither_chinese_script_nor_in_a_key() -> None:
    for character in _JAPANESE:
        assert fold(character) == character
        for encoding in ("gb2312", "big5"):
            with pytest.raises(UnicodeEncodeError):
                character.encode(encoding)
    assert set(classify("".join(_JAPANESE)).tolist()) == {_HAN}
    simplified_there = installed_dictionary("JPShinjitaiCharacters")
    assert len(_JAPANESE.difference(simplified_there)) < 20


@given(st.text(HANT + HANS + JAPANESE + "経済対策円", max_size=40))
def test_a_text_and_its_key_are_both_japanese_or_neither(text: str) -> None:
    assert (identify(text).language == "ja") == (identify(fold(text)).language == "ja")


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("香港警方", "zh-Hant"),
        ("唔好咁", "zh-Hant"),
        ("同比增加", "zh-Hans"),
        ("皇后大道", "zh-Hant"),
        ("他又「公布」了", "zh-Hant"),
        ("他又“公布”了", "zh-Hans"),
        ("中文", "none"),
    ],
)
def test_what_no_character_tells_its_words_tell_with_less_confidence(text: str, script: str) -> None:
    assert not np.isin(classify(text), (OF_HANT, OF_HANS)).any()
    found = identify(text)
    assert found.script == script
    assert found.confidence <= 0.9 < identify(HANT).confidence
    assert found.region == ""


def test_a_headline_gets_an_answer_with_the_confidence_it_deserves() -> None:
    headline = "中非首都附近木船翻覆 至少58死"
    guess = identify(headline)
    assert guess.script == "zh-Hant" and guess.confidence < 0.9
    assert identify("呼吁保持克制").confidence > identify("保持克制的心理").confidence
    assert identify("的心理").script == "none", "too few characters for a guess"


def test_leanings_are_shared_characters_and_pairs() -> None:
    tenths = leanings()
    assert all(tenths.values())
    assert {len(entry) for entry in tenths} == {1, 2}
    assert not np.isin(classify("".join(tenths)), (OF_HANT, OF_HANS)).any()
    assert all(as_leaning(entry) == entry for entry in tenths)


def test_leanings_are_learnt_from_what_tells_nothing_by_its_shape() -> None:
    text = "呼吁3家公司的「公布」 皇后大道中\n" * 50 + HANT
    pieces = _pieces(text, Random(1))
    assert pieces == _pieces(text, Random(1))
    assert {"呼吁", "0家", "」_", "皇后"} <= {entry for piece in pieces for entry in piece}
    for piece in pieces:
        assert piece == sorted(set(piece))
        assert not np.isin(classify("".join(piece)), (OF_HANT, OF_HANS)).any()


@pytest.mark.parametrize("text", [HANT, HANS, "", "中文", JAPANESE, CANTONESE, "記者指出，網路與軟體"])
def test_an_answer_is_the_same_however_late_it_is_asked(text: str) -> None:
    found = identify(text)
    assert found == identify(text) and hash(found) == hash(identify(text))
    assert pickle.loads(pickle.dumps(identify(text))) == found
    assert repr(found) == repr(Script(found.script, found.confidence, found.region, found.language))


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("記者王小明／綜合報導　業者指出，網路攻擊使軟體業損失新台幣三億元。", "TW"),
        ("業者表示，人工智慧與氣候變遷將影響產業，政府已挹注經費。", "TW"),
        ("判詞指，被告控罪成立，證供可信，署理處長不作評論。", "HK"),
        ("特首昨日表示，本港樓價回落，裁判官押後案件，去信要求交代理據。", "HK"),
        ("本报讯（记者了解到）上半年产销同比增长，业内人士说零部件价格环比下降。", "CN"),
        ("组屋转售价上涨，建屋局发文告说，一间四房式组屋以六十万新元售出。", "SG"),
        ("本澳經濟增長，司警偵破一宗案件，去信要求交代理據。", ""),
        ("两国领导人举行会谈。", ""),
        ("他引述一個「網路」用語。", ""),
    ],
)
def test_region_only_with_evidence(text: str, region: str) -> None:
    found = identify(text)
    assert found.region == region
    assert found.language == f"{found.script}-{region}".rstrip("-")
    assert identify(fold(text)).region in (region, "")


def test_a_converted_text_needs_more_evidence() -> None:
    text = "記者王小明／綜合報導　業者指出，網路攻擊使軟體業損失新台幣三億元。"
    assert identify(text).region == "TW" and identify(fold(text)).region == ""
    more = "員警追查駭客，伺服器遭入侵，社群媒體與智慧型手機也受影響。"
    assert identify(text + more).region == identify(fold(text + more)).region == "TW"


@given(st.text(st.characters(), max_size=80), st.sampled_from(["", HANT, HANS]))
def test_any_text_is_answered(text: str, rest: str) -> None:
    found = identify(text + rest)
    assert 0 <= found.confidence <= 1
    assert found == identify(text + rest)
    assert (found.region == "") or found.language.endswith(found.region)


@given(st.text(HANT + HANS + "abc\n", max_size=80))
def test_folded_text_is_simplified(text: str) -> None:
    found = identify(fold(text))
    assert found.script != "mixed"
    assert found.script != "zh-Hant" or found.confidence <= 0.9, "a guess by the words, where no character tells"


def test_regions_are_sorted_unique_and_folded() -> None:
    rows = [line.split("\t") for line in data_path("regions.tsv").read_text("utf-8").splitlines() if line[0] != "#"]
    keys = [(region, word) for region, word, _ in rows]
    assert keys == sorted(set(keys))
    assert len({word for _, word in keys}) == len(keys), "a word speaks for one region"
    assert all(fold(word) == word == characters_folded(word) and len(word) > 1 for _, word in keys)
