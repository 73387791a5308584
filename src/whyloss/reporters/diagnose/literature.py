"""The publications behind the findings, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.references import references

if TYPE_CHECKING:
    from whyloss.results.diagnosis import Diagnosis


def literature(diagnosis: Diagnosis) -> list[str]:
    """A short line for each publication: authors, year and address."""
    known = references()
    keys = dict.fromkeys(key for finding in diagnosis.findings for key in finding.references)
    return [f"{known[key].authors} ({known[key].year}), {known[key].link}" for key in keys]
