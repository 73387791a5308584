"""Every rule cites something, and everything cited is in the list."""

import re

import pytest
from click.testing import CliRunner

from whyloss import rules
from whyloss.cli import cli
from whyloss.references import references


def test_every_citation_is_in_the_list_and_nothing_else_is():
    cited = {key for rule in rules.ALL for key in rule.references}
    assert set(references()) == cited


@pytest.mark.parametrize("reference", references().values(), ids=str)
def test_entries_are_well_formed(reference):
    assert re.fullmatch(r"arXiv:\d{4}\.\d{4,5}|doi:10\.\d{4,}/\S+", reference.key)
    assert 1900 < reference.year <= 2026
    identifier = reference.key.partition(":")[2]
    assert f"{{{identifier}}}" in reference.bibtex
    assert not set("{}\\") & set(reference.title + reference.authors)
    if reference.key.startswith("arXiv:"):
        published = 2000 + int(identifier[:2])
        assert published <= reference.year <= published + 1


def test_list_is_in_order_and_readable_by_others():
    keys = list(references())
    assert keys == sorted(keys)
    for reference in references().values():
        assert reference.bibtex.count("{") == reference.bibtex.count("}")


def test_terminal_prints_them_all_or_those_of_a_rule():
    everything = CliRunner().invoke(cli, ["references"]).output
    assert "Guo et al. (2017). On Calibration of Modern Neural Networks." in everything
    assert "https://arxiv.org/abs/1706.04599" in everything
    for name in ("WL503", "within-noise"):
        answer = CliRunner().invoke(cli, ["references", name]).output
        assert answer.strip().startswith("Cawley and Talbot (2010)")
        assert answer.count("https://") == 1
    bibtex = CliRunner().invoke(cli, ["references", "--bibtex"]).output
    assert bibtex.count("@") == len(references())
    assert CliRunner().invoke(cli, ["references", "nothing"]).exit_code != 0
