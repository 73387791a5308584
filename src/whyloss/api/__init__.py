"""The public functions, and results that show themselves.

A verb computes a frozen result (:mod:`whyloss.results`); the classes here add the ways to show it.
This room stands above the reporters, so that neither verbs nor results know them.
"""

from whyloss.api.functions import check, compare, diagnose, review
from whyloss.api.shown import CheckResult, Comparison, Diagnosis, Review

__all__ = [
    "CheckResult",
    "Comparison",
    "Diagnosis",
    "Review",
    "check",
    "compare",
    "diagnose",
    "review",
]
