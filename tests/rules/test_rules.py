"""The contract that every rule keeps; no rule is named here."""

import importlib.util
import re
from pathlib import Path

import pytest

from whyloss import remedies, rules
from whyloss.evidence import Evidence
from whyloss.rules import ALL, SECTIONS, SETS_ASIDE, Rule

SEEDS = range(200)
FEW = range(60)  # enough to tell one half from nothing

every_rule = pytest.mark.parametrize("checked", ALL, ids=lambda checked: checked.name)
every_threshold = pytest.mark.parametrize(
    ("checked", "threshold"),
    [(checked, name) for checked in ALL for name in checked.thresholds],
    ids=lambda value: value.name if isinstance(value, Rule) else value,
)


def share_found(checked, example, seeds=SEEDS, **thresholds):
    found = [
        checked.run(Evidence(example(seed).source), **thresholds) is not None for seed in seeds
    ]
    return sum(found) / len(found)


@every_rule
def test_fires_on_its_own_example(checked):
    assert share_found(checked, checked.fires) >= 0.95


@every_threshold
def test_each_threshold_alone_holds_back_its_near_miss(checked, threshold):
    near_miss = checked.near_misses[threshold]
    assert share_found(checked, near_miss) <= 0.01
    assert share_found(checked, near_miss, FEW, **checked.off(threshold)) >= 0.5


@every_rule
def test_every_threshold_has_a_near_miss_and_is_explained(checked):
    assert set(checked.near_misses) == set(checked.thresholds)
    for name in checked.thresholds:
        assert re.match(r"(min|max)_", name)
        assert f"`{name}`" in checked.sections["Statistic and threshold"]


@every_rule
def test_text_has_all_sections_in_order_and_cites(checked):
    assert tuple(checked.sections) == SECTIONS
    assert all(checked.sections.values())
    assert checked.references
    assert checked.summary.endswith(".")


@every_rule
def test_finding_carries_numbers_and_a_plain_sentence(checked):
    found = checked.run(Evidence(checked.fires(1).source))
    assert found is not None
    assert (found.code, found.name, found.references) == (
        checked.code,
        checked.name,
        checked.references,
    )
    assert found.message.endswith(".")
    assert re.search(r"\d", found.message)
    assert found.evidence
    for number in found.evidence.values():
        assert number.low is not None or number.note


@every_rule
def test_code_is_in_the_first_line_of_its_file(checked):
    path = Path(rules.__file__).parent / f"{checked.name.replace('-', '_')}.py"
    assert path.read_text(encoding="utf-8").startswith(f'"""{checked.code}: ')


def test_every_file_is_registered_once():
    files = {path.stem for path in Path(rules.__file__).parent.glob("*.py")}
    assert files - {"__init__", "base"} == {checked.name.replace("-", "_") for checked in ALL}
    assert len({checked.code for checked in ALL}) == len(ALL)
    assert all(re.fullmatch(r"WL[1-9]\d\d", checked.code) for checked in ALL)


def test_precedence_names_known_rules_and_remedies():
    names = {checked.name for checked in ALL}
    assert names.issuperset(SETS_ASIDE)
    for losers in SETS_ASIDE.values():
        assert (names | set(remedies.ALL)).issuperset(losers)


def test_pages_in_the_documentation_are_those_of_the_rules():
    root = Path(__file__).parents[2]
    spec = importlib.util.spec_from_file_location("rule_pages", root / "tools/rule_pages.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    written = {p.name: p.read_text(encoding="utf-8") for p in (root / "docs/rules").glob("*.md")}
    assert written == tool.pages(), "run `make docs`"
