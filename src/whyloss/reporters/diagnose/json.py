"""The diagnosis as JSON, in the published outline of ``diagnosis.schema.json``."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from whyloss.results.estimate import Estimate
from whyloss.version import __version__

if TYPE_CHECKING:
    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.samples import SampleRow

SCHEMA_VERSION = "1.0"


def render(diagnosis: Diagnosis) -> str:
    """JSON text, indented; numbers that are not finite become null."""
    return json.dumps(to_dict(diagnosis), indent=2, ensure_ascii=False, allow_nan=False)


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) that :func:`to_dict` follows."""
    text = files("whyloss.reporters").joinpath("diagnosis.schema.json").read_text("utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def to_dict(diagnosis: Diagnosis) -> dict[str, object]:
    """The diagnosis as plain dictionaries, lists, strings and numbers."""
    d = diagnosis
    return {
        "schema_version": SCHEMA_VERSION,
        "whyloss_version": __version__,
        "source": d.source,
        "split": d.split,
        "level": d.level.value,
        "verdict": _plain(d.verdict),
        "findings": [_plain(found) for found in d.findings],
        "suspects": [_plain(suspect) for suspect in d.suspects],
        "attribution": _attribution(d),
        "best_epochs": {
            metric: _best_epoch(d, metric) for metric in ("accuracy", "log_loss", "refinement")
        },
        "remedies": [
            {
                **_plain(remedy),
                "effect": _number(remedy.effect.value),
                "interval": _interval(remedy.effect),
            }
            for remedy in d.remedies
        ],
        "not_checked": [_plain(item) for item in d.not_checked],
        "numbers": {name: _plain(value) for name, value in d.numbers.items()},
        "epochs": [_plain(row) for row in d.epochs],
        "classes": [_plain(row) for row in d.classes],
        "samples": [_sample(row) for row in d.samples],
        "slices": [_plain(row) for row in d.slices],
        "confusion": _plain(d.confusion),
        "views": _plain(d.views),
        "yardsticks": [_plain(row) for row in d.yardsticks],
        "notes": list(d.notes),
        "open_questions": [_plain(question) for question in d.open_questions],
    }


def _attribution(d: Diagnosis) -> dict[str, object] | None:
    if d.attribution is None:
        return None
    content: dict[str, object] = _plain(d.attribution)
    total = d.attribution.total
    return {
        **content,
        "total": _number(total.value),
        "total_se": _number(total.se),
        "total_interval": _interval(total),
    }


def _best_epoch(d: Diagnosis, metric: str) -> dict[str, object] | None:
    best = d.best_epochs.get(metric)
    if best is None:
        return None
    return {
        "epoch": best.epoch,
        "value": _number(best.value.value),
        "interval": _interval(best.value),
        "as_good": list(best.as_good),
    }


def _sample(row: SampleRow) -> dict[str, Any]:
    content: dict[str, Any] = _plain(row)
    del content["sample"]  # a thumbnail is no text
    return {**content, "text": row.sample.text, "path": row.sample.path}


def _interval(estimate: Estimate) -> list[float | None] | None:
    if estimate.low is None or estimate.high is None:
        return None
    return [_number(estimate.low), _number(estimate.high)]


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _plain(value: Any) -> Any:  # noqa: ANN401 - walks whatever the diagnosis holds
    if isinstance(value, Estimate):
        content = {
            "value": _number(value.value),
            "interval": _interval(value),
            "se": _number(value.se),
        }
        return {**content, "note": value.note} if value.note else content
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return _number(value)
    return value.value if isinstance(value, Enum) else value
