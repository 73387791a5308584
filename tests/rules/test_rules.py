"""The contract that every rule keeps; no rule is named here."""

import ast
import importlib.util
import inspect
import itertools
import re
from pathlib import Path

import pytest

from whyloss import remedies, rules
from whyloss.evidence import Evidence
from whyloss.results.level import Level
from whyloss.rules import ALL, SECTIONS

PREDICTIONS = {Level.SNAPSHOT, Level.RUN}
CHECKS = [(rule, check) for rule in ALL for check in rule.checks]

NAMES = [f"{rule.name}-{check.name}" for rule, check in CHECKS]

every_rule = pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
every_check = pytest.mark.parametrize("check", [check for _, check in CHECKS], ids=NAMES)
every_check_of_a_rule = pytest.mark.parametrize(("rule", "check"), CHECKS, ids=NAMES)
every_threshold = pytest.mark.parametrize(
    ("check", "threshold"),
    [(check, name) for _, check in CHECKS for name in check.thresholds],
    ids=[f"{rule.name}-{check.name}-{name}" for rule, check in CHECKS for name in check.thresholds],
)


def share_found(check, example, seeds, **thresholds):
    found = [check.find(Evidence(example(seed).source), **thresholds) is not None for seed in seeds]
    return sum(found) / len(found)


@every_check
def test_a_check_finds_its_own_example(check, seeds):
    assert share_found(check, check.fires, seeds) >= 0.95


@every_threshold
def test_each_threshold_alone_holds_back_its_near_miss(check, threshold, seeds):
    near_miss = check.near_misses[threshold]
    assert share_found(check, near_miss, seeds) <= 0.01
    some = seeds[:60]  # enough to tell one half from nothing
    assert share_found(check, near_miss, some, **check.off(threshold)) >= 0.5


@every_check_of_a_rule
def test_every_threshold_has_a_near_miss_and_is_explained(rule, check):
    assert set(check.near_misses) == set(check.thresholds)
    for name in check.thresholds:
        assert re.match(r"(min|max)_", name)
        assert f"`{name}`" in rule.sections["Statistic and threshold"]


@every_check_of_a_rule
def test_an_example_of_a_check_reaches_it_through_its_rule(rule, check):
    evidence = Evidence(check.fires(1).source)
    assert evidence.supports(check.level)
    assert rule.run(evidence).message == check.find(evidence).message


@every_check
def test_a_check_says_in_one_sentence_what_it_claims(check):
    assert re.fullmatch(r"[A-Z][^\n]*\.", inspect.getdoc(check.find))


@every_rule
def test_checks_of_predictions_come_before_those_of_reported_numbers(rule):
    of_predictions = [check.level in PREDICTIONS for check in rule.checks]
    assert of_predictions == sorted(of_predictions, reverse=True)


@every_rule
def test_text_has_all_sections_in_order_and_cites(rule):
    assert rule.page.startswith(f"{rule.code}: ")
    assert tuple(rule.sections) == SECTIONS
    assert all(rule.sections.values())
    assert rule.references
    assert rule.summary.endswith(".")


@every_check_of_a_rule
def test_finding_carries_numbers_and_a_plain_sentence(rule, check):
    found = rule.run(Evidence(check.fires(1).source))
    assert (found.code, found.name, found.references) == (rule.code, rule.name, rule.references)
    assert found.message.endswith(".")
    assert re.search(r"\d", found.message)
    assert found.evidence
    for number in found.evidence.values():
        assert number.low is not None or number.note


PLAIN = {0, 1, 2, 0.5, 100}  # identities, halves and percentages; all others have a name


def bare_numbers(source):
    """Numbers in the functions of a rule, but for its examples and the digits of a format."""
    for function in ast.parse(source).body:
        if not isinstance(function, ast.FunctionDef):
            continue
        if function.returns is not None and ast.unparse(function.returns) == "KnownCause":
            continue
        nodes = [node for line in function.body for node in ast.walk(line)]
        digits = {
            id(part)
            for node in nodes
            if isinstance(node, ast.FormattedValue)
            or (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("format_"))
            for part in ast.walk(node)
        }
        for node in nodes:
            number = isinstance(node, ast.Constant) and type(node.value) in {int, float}
            if number and node.value not in PLAIN and id(node) not in digits:
                yield node.value


@every_rule
def test_numbers_of_a_check_are_thresholds_or_have_a_name(rule):
    path = Path(rules.__file__).parent / f"{rule.name.replace('-', '_')}.py"
    assert list(bare_numbers(path.read_text(encoding="utf-8"))) == []


def test_a_bare_number_in_a_check_is_noticed():
    assert list(bare_numbers("def check(e, *, min_z=3.0):\n    return e.z > 4.0")) == [4.0]


def test_every_file_is_a_rule_of_the_same_name_and_codes_are_unique():
    files = {path.stem for path in Path(rules.__file__).parent.glob("*.py")}
    assert files - {"__init__", "base"} == {rule.name.replace("-", "_") for rule in ALL}
    assert len({rule.code for rule in ALL}) == len(ALL)
    assert all(re.fullmatch(r"WL[1-9]\d\d", rule.code) for rule in ALL)


def test_rules_are_ordered_by_code_unless_they_say_otherwise():
    plain = [rule.code for rule in ALL if not rule.before]
    assert plain == sorted(plain)
    for rule, following in itertools.pairwise(ALL):
        assert rule.before in {"", following.code}


@every_rule
def test_what_a_rule_explains_is_another_rule_or_a_remedy(rule):
    names = {other.name for other in ALL} | set(remedies.ALL)
    assert set(rule.explains) <= names - {rule.name}


def test_pages_in_the_documentation_are_those_of_the_rules():
    root = Path(__file__).parents[2]
    spec = importlib.util.spec_from_file_location("rule_pages", root / "tools/rule_pages.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    written = {p.name: p.read_text(encoding="utf-8") for p in (root / "docs/rules").glob("*.md")}
    assert written == tool.pages(), "run `make docs`"
