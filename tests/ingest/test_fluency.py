from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.configure import model_path
from pipeline.errors import ModelError
from pipeline.ingest.fluency import Fluency, default_fluency
from pipeline.ingest.learn_fluency import train
from pipeline.script.fold import fold
from tests.ingest.articles import HARBOUR_HANS, RIVER_HANT


@pytest.fixture(scope="module")
def model() -> Fluency:
    return default_fluency()


def test_own_sentences_read_better_than_shuffled_ones(model: Fluency) -> None:
    for text in (RIVER_HANT, HARBOUR_HANS):
        key = fold(text)
        order = np.random.default_rng(1).permutation(len(key))
        assert model.surprise(key).mean() + 2 < model.surprise("".join(key[at] for at in order)).mean()


def test_a_splice_is_worse_than_the_words_it_parts(model: Fluency) -> None:
    key = fold("縣政府水利處回應,該河道屬於區域排水,今年已經編列兩百萬元。")
    at = key.index("道")
    spoiled = key[:at] + "电影下载" + key[at:]
    left, right = model.read(spoiled).seams(np.array([at]), np.array([at + 4]))
    assert left[0] + right[0] > 2
    starts = np.arange(4, len(key) - 8)
    left, right = model.read(key).seams(starts, starts + 4)
    assert np.median(left + right) < -4


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_surprise_is_a_finite_cost_for_each_character(text: str) -> None:
    cost = default_fluency().surprise(text)
    assert cost.shape == (len(text),)
    assert np.isfinite(cost).all()
    assert (cost >= 0).all()


def test_a_long_text_costs_what_its_parts_cost(model: Fluency) -> None:
    key = fold(RIVER_HANT) * 180
    assert len(key) > 100_000
    assert np.array_equal(model.surprise(key), model.read(key).cost)


def test_seams_are_what_the_costs_say(model: Fluency) -> None:
    key = fold(HARBOUR_HANS)[:300]
    starts = np.arange(5, 200, 7)
    ends = starts + 5
    reading = model.read(key)
    left, right = reading.seams(starts, ends)
    for start, end, gain in zip(starts.tolist(), ends.tolist(), right.tolist(), strict=True):
        without = model.surprise(key[:start] + key[end:])[start : start + 2].sum()
        assert gain == pytest.approx(float(reading.cost[end : end + 2].sum() - without), abs=1e-3)
    # What the seams are at best, as the kernels know it before they look a span's ends up.
    pair, one, log = reading.told.pair, reading.told.one, reading.told.log
    bound, after = one[2:-2] - log[2:-2] - log[3:-1] + pair[3:-1], -log[2:-1] - log[3:]
    assert np.allclose(bound[starts], left, atol=1e-4)
    assert (right <= after[ends] + 1e-4).all()


def test_training_is_deterministic_and_learns() -> None:
    texts = re.findall(r"[^,。，\n]{6,}", RIVER_HANT + HARBOUR_HANS) * 40
    first, second = train(texts), train(texts)
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    model = Fluency(first)
    assert np.concatenate([model.surprise(fold(text)) for text in texts[:20]]).mean() < 2.0


def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing or damaged"):
        Fluency.load(tmp_path)
    (tmp_path / "fluency.npz").write_bytes(b"no arrays")
    with pytest.raises(ModelError, match="missing or damaged"):
        Fluency.load(tmp_path)


def test_the_shipped_model_is_small_and_has_its_card() -> None:
    folder = model_path("fluency")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3_000_000
    digest = hashlib.sha256((folder / "fluency.npz").read_bytes()).hexdigest()
    assert digest in (folder / "card.md").read_text("utf-8")
