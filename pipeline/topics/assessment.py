"""Everything that `taowen evaluate` finds out, in one object: the table, the JSON and the report say the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.configure import model_path
from pipeline.errors import UsageError
from pipeline.topics.compare import Comparison, compare, comparison_table
from pipeline.topics.corpus import Example
from pipeline.topics.curves import curves_json
from pipeline.topics.evaluate import Report, Scored, judge, score
from pipeline.topics.facets import Facet, facets, facets_table
from pipeline.topics.peers import compete
from pipeline.topics.recipes import RECIPES
from pipeline.topics.splits import Split, splits, splits_table
from pipeline.topics.taxonomy import Taxonomy, read_taxonomy

__all__ = ["Assessment", "assess", "assessment_table", "check_floors", "under_floors"]

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """A model on a corpus: figures by slice, by split, and against others."""

    scored: Scored
    report: Report
    """The figures that floors are set on."""
    facets: tuple[Facet, ...]
    splits: tuple[Split, ...]
    against: tuple[Comparison, ...]
    taxonomy: Taxonomy

    def as_json(self) -> dict[str, Any]:
        """Return plain data: the report, and beside it facets, splits, comparisons and curves."""
        return (
            self.report.as_json()
            | {
                "facets": [facet.as_json() for facet in self.facets],
                "splits": [split.as_json() for split in self.splits],
                "against": [one.as_json() for one in self.against],
            }
            | curves_json(self.scored)
        )


def assess(
    examples: Sequence[Example],
    model: Path | None = None,
    *,
    against: Sequence[str] = (),
    taught: Sequence[Example] | None = None,
    by_split: bool = False,
    tell: Tell | None = None,
) -> Assessment:
    """Score a model and find out where it fails.

    Args:
        examples: the corpus; own-written articles are never counted.
        model: its folder, the shipped one without.
        against: peers by name, and folders of models.
        taught: what peers learn from; without it they are cross-validated on `examples` by source.
        by_split: whether to train the recipe anew for a random and a time split. Takes two trainings.
        tell: called with what is being done, how many steps are done, and of how many.

    Raises:
        ModelError: a model cannot be loaded.
        UsageError: there is nothing to score on, or no such peer.
    """
    folder = model or model_path("topics")
    taxonomy = read_taxonomy(folder / "topics.toml")
    for name in against:
        if name not in RECIPES and not Path(name).is_dir():
            raise UsageError(f"--against '{name}' is no peer ({', '.join(RECIPES)}) and no folder of a model.")
    scored = score(examples, model, "shipped" if model is None else str(model))
    report = judge(scored.examples, scored.topics, scored.scores, scored.given, scored.how)
    compared = []
    for step, name in enumerate(against):
        if tell is not None:
            tell(f"against {name}", step, len(against))
        if name in RECIPES:
            other = compete(name, scored, examples, taxonomy, taught)
        else:
            other = score(examples, Path(name), name)
        compared.append(compare(scored, other))
    done: tuple[Split, ...] = ()
    if by_split:
        from pipeline.topics.learn import train

        done = splits(examples, taxonomy, train, tell)
    return Assessment(scored, report, facets(scored), done, tuple(compared), taxonomy)


def assessment_table(found: Assessment) -> str:
    """Return an assessment for a terminal."""
    lines = [*facets_table(found.facets)[1:]]
    if found.splits:
        lines += splits_table(found.splits)
    lines += comparison_table(found.against)
    lines += [
        "",
        f"measured: {found.report.how}; corpus {found.report.corpus[:12]}",
        "In brackets 95% intervals: bootstrap over articles, which do not count what other sources or times may bring.",
    ]
    if not found.splits:
        lines.append("Not measured: random and time split; add --splits, which trains twice.")
    return "\n".join(lines)


def check_floors(floors: Mapping[str, float], topics: Sequence[str]) -> None:
    """Refuse floors that cannot be told.

    Raises:
        UsageError: one names no topic of the model.
    """
    for name in floors:
        if name not in (*topics, "macro"):
            raise UsageError(f"--floor '{name}' is no topic of the model; it has {', '.join(topics)}, and macro.")


def under_floors(found: Assessment, floors: Mapping[str, float]) -> list[str]:
    """Return a sentence for every floor that is missed or refused: F1 by topic, `macro` for macro-F1.

    Raises:
        UsageError: a floor names no topic of the model.
    """
    check_floors(floors, found.scored.topics)
    whole = found.facets[0]
    values = {row.topic: row.f1 for row in whole.topics} | {"macro": whole.macro_f1}
    missed = []
    for name, floor in floors.items():
        value = values[name]
        if value is None:
            missed.append(f"{name}: F1 is refused, there are too few positives; a floor needs a figure.")
        elif round(value.value, 4) < floor:
            missed.append(f"{name}: F1 is {value.value:.4f}, the floor is {floor:.4f}.")
    return missed
