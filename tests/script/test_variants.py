from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.configure import data_path
from pipeline.script.fold import fold
from pipeline.script.offsets import Offsets, align
from pipeline.script.variants import KINDS, concepts, find, forms_of, mainland, rename

ROWS = [line.split("\t") for line in data_path("variants.tsv").read_text("utf-8").splitlines() if line[0] != "#"]
FORMS = [form for concept in concepts() for forms in concept.forms.values() for form in forms]


def test_the_table_is_sorted_unique_and_large_enough() -> None:
    keys = [(row[0], row[1]) for row in ROWS]
    assert keys == sorted(set(keys))
    assert {row[0] for row in ROWS} == set(KINDS)
    assert all(len(row) == 7 for row in ROWS)
    varied = [c for c in concepts() if c.kind != "shield" and len({fold(f) for fs in c.forms.values() for f in fs}) > 1]
    assert len(varied) >= 400


def test_a_form_stands_in_one_row_in_the_script_of_its_region() -> None:
    homes: dict[str, str] = {}
    for concept in concepts():
        name = concept.forms["CN"][0]
        for place, forms in concept.forms.items():
            assert len({fold(form) for form in forms}) == len(forms), name
            for form in forms:
                assert homes.setdefault(fold(form), name) == name
                assert form == form.strip() and "?" not in form
                if place in ("CN", "SG"):
                    assert fold(form) == form
        assert any(concept.forms[place] for place in ("TW", "HK", "SG")) != (concept.kind == "shield"), name
        assert bool(concept.doubtful) == bool(concept.context), name
        assert all(fold(word) == word for word in concept.context)


def test_every_form_is_found_and_becomes_the_mainland_one() -> None:
    for concept in concepts():
        for forms in concept.forms.values():
            for form in forms:
                key = fold(form)
                text = f"，{key}。{concept.context[0] if concept.context else ''}，"
                found = [f for f in find(text) if f.start == 1]
                assert [f.concept for f in found] == ([] if concept.kind == "shield" else [concept]), form
                written = mainland(text)[0]
                own = fold(concept.forms["CN"][0]) if key not in concept.forms["CN"] else key
                assert written.startswith(f"，{own}。"), form


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("川普與普丁談加薩停火，聯準會未置評", "特朗普与普京谈加沙停火，美联储未置评"),
        ("杜魯多會見施紀賢，列根號駛近", "特鲁多会见斯塔默，里根号驶近"),
        ("理查德走過德州市的人行道，高爾夫", "理查德走过德州市的人行道，高尔夫"),  # shields
        ("他穿范斯球鞋", "他穿范斯球鞋"),  # doubtful, and nothing backs it
        ("副總統范斯訪歐", "副总统万斯访欧"),
        ("朝鲜半岛的南韓與北韓", "朝鲜半岛的韩国与朝鲜"),
        ("特朗普和泽连斯基", "特朗普和泽连斯基"),
        ("矽", "硅"),
    ],
)
def test_mainland(text: str, written: str) -> None:
    assert mainland(fold(text))[0] == written


def test_context_may_stand_elsewhere_in_the_article() -> None:
    assert mainland("范斯访欧")[0] == "范斯访欧"
    assert mainland("范斯访欧", context="副总统")[0] == "万斯访欧"


def test_rename_writes_the_region_in_its_script() -> None:
    assert rename("特朗普與美聯儲", "TW")[0] == "川普與聯準會"
    assert rename("特朗普與里根，沙特", "HK")[0] == "特朗普與列根，沙特"
    assert rename("澤倫斯基與納坦雅胡", "HK")[0] == "澤連斯基與內塔尼亞胡"


def test_forms_of_a_term() -> None:
    assert forms_of("普京") == ("普京", "普丁", "蒲亭")
    assert forms_of("导弹部队") == ("导弹部队", "飞弹部队")
    assert forms_of("關稅") == ("关税",)
    assert forms_of("卡梅伦") == ("卡梅伦", "卡麦隆", "甘民乐")  # 卡梅隆 is doubtful


@given(st.lists(st.sampled_from([*FORMS, "，", "\n", "訪問", "a", "\ud800"]), max_size=12))
def test_offsets_lead_back_to_what_was_renamed(pieces: list[str]) -> None:
    key = fold("".join(pieces))
    written, offsets = mainland(key)
    last = (0, 0)
    for edit in offsets.edits:
        assert last[0] <= edit.start < edit.end and last[1] <= edit.new_start < edit.new_end
        assert key[last[0] : edit.start] == written[last[1] : edit.new_start]
        assert offsets.back(edit.new_start, edit.new_end) == (edit.start, edit.end)
        assert offsets.there(edit.start, edit.end) == (edit.new_start, edit.new_end)
        last = edit.end, edit.new_end
    assert key[last[0] :] == written[last[1] :]
    found = find(key)
    assert all(a.end <= b.start for a, b in pairwise(found))


_TEXTS = st.text("國国軟软體件的ab\n網网路", max_size=30)


@given(_TEXTS, _TEXTS)
def test_aligned_texts_agree_between_edits(old: str, new: str) -> None:
    count = min(old.count("\n"), new.count("\n"))
    old, new = ("\n".join(text.split("\n")[: count + 1]) for text in (old, new))
    offsets = align(old, new)
    keys = fold(old), fold(new)
    here = there = 0
    for edit in offsets.edits:
        assert keys[0][here : edit.start] == keys[1][there : edit.new_start]
        assert here <= edit.start <= edit.end and there <= edit.new_start <= edit.new_end
        here, there = edit.end, edit.new_end
    assert keys[0][here:] == keys[1][there:]


@given(_TEXTS, st.data())
def test_a_span_and_its_way_back(old: str, data: st.DataObject) -> None:
    old = "的" + old.replace("\n", "\n的")
    new = old.replace("軟", "").replace("網路", "互联网络").replace("a", "bb")
    last = new.replace("互", "交互").replace("國", "国家").replace("b", "")
    both = align(old, new).then(align(new, last))
    for offsets, target in ((align(old, new), new), (both, last)):
        start = data.draw(st.integers(0, len(old) - 1))
        end = data.draw(st.integers(start + 1, len(old)))
        there = offsets.there(start, end)
        assert 0 <= there[0] <= there[1] <= len(target)
        back = offsets.back(*there)
        assert back[0] <= start and end <= back[1]
    assert both.there(0, len(old)) == (0, len(last))


def test_alignment_of_hostile_lines_is_linear() -> None:
    old, new = "軟體" * 50_000, "网" * 120_000
    assert align(old, new).there(0, len(old)) == (0, len(new))


def test_no_edits_keep_places() -> None:
    assert Offsets().there(3, 5) == (3, 5) == Offsets().back(3, 5)


def test_labelled_passages_are_facts() -> None:
    lines = (Path(__file__).parents[2] / "corpora" / "variants-passages.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert sum(row["set"] == "before" for row in rows) == 300
    assert len({(row["id"], row["start"]) for row in rows}) == len(rows)
    for row in rows:
        assert all(row["start"] <= name["start"] < name["end"] <= row["end"] for name in row["names"])
        assert all(len(name["form"]) == name["end"] - name["start"] <= 12 for name in row["names"])
