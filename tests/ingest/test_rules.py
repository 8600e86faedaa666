"""Every noise rule is tried on the lines it ships with: those it must match and the near misses it must not."""

from __future__ import annotations

import pytest

from pipeline.ingest.rules import Rule, matches, rules
from pipeline.script.fold import fold


def test_ids_are_unique_and_every_rule_has_both_kinds_of_example() -> None:
    assert len({rule.id for rule in rules()}) == len(rules()) > 10
    assert all(rule.cuts and rule.keeps for rule in rules())


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_a_rule_matches_its_lines_and_not_its_near_misses(rule: Rule) -> None:
    bit = 1 << rules().index(rule)
    assert [line for line in rule.cuts if not matches(fold(line)) & bit] == []
    assert [line for line in rule.keeps if matches(fold(line)) & bit] == []
