from __future__ import annotations

import copy
import json
import pickle
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.configure import model_path
from pipeline.errors import ModelError, UsageError
from pipeline.script.fold import fold
from pipeline.topics import tagger as tagger_module
from pipeline.topics.features import key
from pipeline.topics.tagger import Tagger
from pipeline.topics.weights import ARRAYS, SCHEMA

TAGGER = Tagger.load()
MODEL = Path(tagger_module.__file__).parents[2] / "models" / "topics"

PIECES = (
    "稀土出口管制升級，中方要求申報最終用途", "美國宣布對進口鋼鐵加徵關稅", "反倾销税初裁公布",
    "外長會談後發表聯合聲明", "導彈試射引發抗議", "球队在决赛中获胜", "颱風帶來豪雨", "釹鐵硼磁鐵漲價",
    "ＷＴＯ爭端解決", "稀土高新区举行招聘会", "永磁電機新品上市", "\n\n", "。", "　", "ABC 123", "\u200b", "𠮷",
)  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=14).map("".join)


@given(texts, texts)
def test_both_scripts_of_a_text_get_the_same_tags(text: str, title: str) -> None:
    given_tags = TAGGER.tag([text], [title], thresholds=dict.fromkeys(TAGGER.topics, 0.0))[0]
    folded_tags = TAGGER.tag([fold(text)], [fold(title)], thresholds=dict.fromkeys(TAGGER.topics, 0.0))[0]
    assert [(t.id, t.score) for t in given_tags] == [(t.id, t.score) for t in folded_tags]
    spans = [[(e.field, e.start, e.end) for e in t.evidence] for t in given_tags]
    assert spans == [[(e.field, e.start, e.end) for e in t.evidence] for t in folded_tags]


@given(texts, texts)
def test_evidence_is_worth_what_the_score_loses_without_its_words(text: str, title: str) -> None:
    for tag in TAGGER.tag([text], [title], thresholds=dict.fromkeys(TAGGER.topics, 0.0))[0]:
        worths = TAGGER.worths(text, title, tag)
        assert worths == TAGGER.worths(fold(text), fold(title), tag)
        number = TAGGER.topics.index(tag.id)
        score = float(TAGGER.scores([text], [title])[0, number])
        for span, worth in zip(tag.evidence, worths, strict=True):
            words = key(span.text)
            without = key(text).replace(words, " " * len(words)), key(title).replace(words, " " * len(words))
            left = float(TAGGER.scores([without[0]], [without[1]])[0, number])
            assert (worth > 0) == (round(score, 9) > round(left, 9)) or abs(score - left) < 1e-4


def test_the_word_that_makes_a_tag_is_worth_most() -> None:
    text = "公司昨天公布年報，董事長說明年要蓋新廠。\n會上有人問起反傾銷稅，他說已經請律師應訴。\n股東會後有茶點。"
    tag = next(t for t in TAGGER.tag([text], thresholds={"trade_war": 0.0})[0] if t.id == "trade_war")
    worths = dict(zip((span.text for span in tag.evidence), TAGGER.worths(text, "", tag), strict=True))
    assert max(worths, key=lambda word: worths[word]).startswith("反傾銷")
    assert max(worths.values()) > 0.5


@given(texts, texts, st.sampled_from((0.0, 0.05, 0.5)))
def test_every_tag_cites_spans_of_what_was_given(text: str, title: str, threshold: float) -> None:
    tags = TAGGER.tag([text], [title], thresholds=dict.fromkeys(TAGGER.topics, threshold))[0]
    assert [t.id for t in tags] == [t.id for t in sorted(tags, key=lambda tag: (-tag.score, tag.id))]
    for tag in tags:
        assert tag.score == round(tag.score, 4) >= threshold
        assert 1 <= len(tag.evidence) <= 5
        for span in tag.evidence:
            source = {"text": text, "title": title}[span.field]
            assert span.text and source[span.start : span.end] == span.text


@settings(max_examples=30)
@given(st.lists(texts, min_size=1, max_size=8), st.integers(0, 2**32))
def test_a_score_does_not_depend_on_its_batch(batch: list[str], seed: int) -> None:
    alone = np.concatenate([TAGGER.scores([text]) for text in batch])
    order = list(range(len(batch)))
    random.Random(seed).shuffle(order)
    together = TAGGER.scores([batch[n] for n in order])
    assert alone[order].tobytes() == together.tobytes()
    assert alone.shape == (len(batch), len(TAGGER.topics))


def test_a_copy_for_another_process_gives_the_same_tags() -> None:
    text = "歐盟宣布對進口電動車加徵反補貼稅，商務部稱將採取反制措施。"
    for copied_tagger in (pickle.loads(pickle.dumps(TAGGER)), copy.deepcopy(TAGGER)):
        assert copied_tagger.tag([text]) == TAGGER.tag([text]) != [[]]


@pytest.mark.parametrize("text", ["", "\n", " 　\t", "。，！", "\u200b"])
def test_a_text_without_a_letter_has_no_tags(text: str) -> None:
    assert TAGGER.tag([text], ["稀土出口管制"], thresholds=dict.fromkeys(TAGGER.topics, 0.0)) == [[]]
    assert not TAGGER.scores([text], ["稀土出口管制"]).any()


def test_thresholds_are_the_models_own_or_given() -> None:
    assert tuple(TAGGER.thresholds) == TAGGER.topics == ("rare_earths", "trade_war", "geopolitics")
    text = "商務部公布新一批稀土管制物項。某市今天舉行球賽，市民表示歡迎。"
    score = round(float(TAGGER.scores([text])[0, 0]), 4)
    for threshold, given_tag in ((score, True), (score + 0.0001, False)):
        tags = TAGGER.tag([text], thresholds={"rare_earths": threshold})[0]
        assert ("rare_earths" in [tag.id for tag in tags]) is given_tag
    with pytest.raises(UsageError, match="no topic 'weather'"):
        TAGGER.tag([text], thresholds={"weather": 0.5})
    with pytest.raises(UsageError, match="between 0 and 1"):
        TAGGER.tag([text], thresholds={"trade_war": 1.5})
    with pytest.raises(ValueError, match="zip"):
        TAGGER.tag([text], [])


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("包頭稀土高新區昨日舉行馬拉松，五千名選手從稀土大街起跑，冠軍由本地選手奪得。" * 3, set()),
        ("新款洗衣机采用永磁电机，噪声更低，首发价两千元，手机下单享优惠。" * 3, set()),
        ("外賣平台打起價格戰，補貼戰愈演愈烈，餐廳叫苦連天。" * 3, set()),
        ("歐盟宣布對進口電動車加徵反補貼稅，商務部稱將採取反制措施，並向世貿組織提起訴訟。" * 3, {"trade_war"}),
        ("兩國外長舉行會談，就停火與撤軍交換意見，導彈襲擊仍在繼續，國防部發表聲明。" * 3, {"geopolitics"}),
        ("北方两家稀土企业上调氧化镨钕报价，钕铁硼磁材厂备货，稀土分离指标下月公布。" * 3, {"rare_earths"}),
    ],
)  # fmt: skip
def test_plain_cases_and_their_look_alikes(text: str, topics: set[str]) -> None:
    assert {tag.id for tag in TAGGER.tag([text])[0]} == topics


def test_loading_and_tagging_need_no_training_library() -> None:
    code = (
        "import sys; from pipeline.topics.tagger import Tagger; Tagger.load().tag(['稀土出口管制']);"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'sklearn', 'scipy', 'datasets', 'pyarrow', 'pickle5'}))"
    )
    root = str(MODEL.parents[1])
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert found.stdout.strip() == "[]"


def copied(folder: Path) -> Path:
    shutil.copytree(MODEL, folder / "model")
    return folder / "model"


def rewritten(model: Path, **changes: object) -> None:
    about = json.loads((model / "model.json").read_text(encoding="utf-8"))
    about.update(changes)
    (model / "model.json").write_text(json.dumps(about), encoding="utf-8")


def digested(model: Path) -> None:
    import hashlib

    names = ("weights.npz", "topics.toml")
    rewritten(model, files={name: hashlib.sha256((model / name).read_bytes()).hexdigest() for name in names})


def test_a_model_is_small_and_of_data_only() -> None:
    assert sum(file.stat().st_size for file in MODEL.iterdir()) <= 3 * 2**20
    assert {file.suffix for file in MODEL.iterdir()} <= {".npz", ".json", ".jsonl", ".toml", ".md"}
    assert Tagger.load(MODEL).digest == TAGGER.digest
    assert len(TAGGER.digest) == 64


def test_a_single_text_is_not_taken_for_a_list_of_articles() -> None:
    tagger = Tagger.load(str(model_path("topics")))
    texts: list[tuple[Any, Any]] = [("稀土出口管制", None), (["稀土出口管制"], "稀")]
    for text, title in texts:
        with pytest.raises(TypeError, match="list of texts"):
            tagger.tag(text, title)
        with pytest.raises(TypeError, match="list of texts"):
            tagger.scores(text, title)


def test_loading_refuses_what_is_missing_or_of_another_version(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a topics model"):
        Tagger.load(tmp_path)
    model = copied(tmp_path)
    rewritten(model, schema=99)
    with pytest.raises(ModelError, match="schema 99"):
        Tagger.load(model)
    rewritten(model, schema=SCHEMA, bits=20)
    with pytest.raises(ModelError, match="other features"):
        Tagger.load(model)
    (model / "model.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(ModelError, match="damaged"):
        Tagger.load(model)


def test_loading_refuses_changed_bytes(tmp_path: Path) -> None:
    model = copied(tmp_path)
    content = bytearray((model / "weights.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (model / "weights.npz").write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256"):
        Tagger.load(model)


class Trap:
    """Unpickling it would run code; the test would see the file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.file,)


def test_loading_refuses_pickles_wrong_shapes_and_bombs_with_right_digests(tmp_path: Path) -> None:
    model = copied(tmp_path)
    with np.load(model / "weights.npz", allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in ARRAYS}

    def packed(**changes: object) -> None:
        content: dict[str, object] = {**arrays, **changes}
        np.savez_compressed(model / "weights.npz", **content)  # type: ignore[arg-type]
        digested(model)

    sprung = tmp_path / "sprung"
    packed(bias=np.array([Trap(sprung)], dtype=object))
    with pytest.raises(ModelError, match="cannot be read"):
        Tagger.load(model)
    assert not sprung.exists()
    packed(pairs=arrays["pairs"][:-1])
    with pytest.raises(ModelError, match="'pairs'"):
        Tagger.load(model)
    packed(bias=np.full(3, np.nan))
    with pytest.raises(ModelError, match="no number"):
        Tagger.load(model)
    packed(terms=np.full_like(arrays["terms"], 2**30))
    with pytest.raises(ModelError, match="beyond 64"):
        Tagger.load(model)
    packed(pairs=np.full_like(arrays["pairs"], 30_000))
    with pytest.raises(ModelError, match="beyond 1023"):
        Tagger.load(model)
    packed(more=np.zeros(3))
    with pytest.raises(ModelError, match="hold"):
        Tagger.load(model)
    packed(pairs=np.zeros((2**26, 1), dtype=np.int8))
    with pytest.raises(ModelError, match="64 MB"):
        Tagger.load(model)
    packed()
    (model / "weights.npz").write_bytes(b"not a zip")
    digested(model)
    with pytest.raises(ModelError, match="cannot be read"):
        Tagger.load(model)
