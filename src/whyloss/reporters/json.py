"""Every result as JSON, and the JSON schema of it: both follow the fields of the result."""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum

from whyloss import formatting
from whyloss.data import Sample
from whyloss.results import (
    attribution,
    check,
    comparison,
    diagnosis,
    epoch_views,
    estimate,
    finding,
    level,
    metrics,
    remedy,
    review,
    samples,
)
from whyloss.version import __version__

Json: typing.TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

SCHEMA_VERSION = "2.0"

_Estimate = estimate.Estimate

# Properties that JSON has as well as the fields.
_PROPERTIES: dict[type, tuple[str, ...]] = {
    finding.Verdict: ("text",),
    comparison.MetricDifference: ("better",),
    check.CheckResult: ("source", "split", "verdict", "outcome"),
}

# Fields that JSON does not have: a pool of thousands of samples, and a diagnosis inside a check.
_LEFT_OUT = {(diagnosis.Diagnosis, "pool"), (check.CheckResult, "diagnosis")}

# Estimates whose value stands alone under the name of the field, with its interval and standard
# error under names that begin so.
_FLAT: dict[tuple[type, str], str] = {
    (attribution.Attribution, "total"): "total_",
    (remedy.Remedy, "effect"): "",
    (metrics.BestEpoch, "value"): "",
}

# Keys that a mapping always has, with null where nothing is known.
_KEYS: dict[tuple[type, str], tuple[str, ...]] = {
    (diagnosis.Diagnosis, "best_epochs"): ("accuracy", "log_loss", "refinement")
}


def render(result: object) -> str:
    """JSON text in ASCII, indented; numbers that are not finite become null."""
    return json.dumps(to_dict(result), indent=2, allow_nan=False) + "\n"


def to_dict(result: object) -> dict[str, object]:
    """A result as plain dictionaries, lists, strings and numbers.

    Parameters
    ----------
    result : Diagnosis, Comparison, Review or CheckResult

    Returns
    -------
    dict
        As :func:`schema` describes it.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "whyloss_version": __version__,
        **_members(result, _result_type(type(result))),
    }


def schema(result_type: type) -> dict[str, object]:
    """The JSON schema (draft 2020-12) that :func:`to_dict` follows.

    Parameters
    ----------
    result_type : type
        Diagnosis, Comparison, Review or CheckResult.
    """
    kind = _result_type(result_type)
    definitions = _Definitions()
    content = definitions.describe(kind)
    properties = typing.cast("dict[str, Json]", content["properties"])
    properties = {
        "schema_version": {"const": SCHEMA_VERSION},
        "whyloss_version": {"type": "string"},
        **properties,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"whyloss {kind.__name__}",
        "description": "Fields may be added within a major schema_version; none is removed or "
        "changes its meaning. Losses are in nats, accuracies are shares from 0 to 1; a number that "
        "is not finite is null.",
        **content,
        "properties": properties,
        "required": list(properties),
        "$defs": definitions.content,
    }


def _result_type(kind: type) -> type:
    """The frozen result behind a class that only adds ways to show it."""
    return next(base for base in kind.__mro__ if base.__module__.startswith("whyloss.results."))


# --- values -------------------------------------------------------------------------------------


def _members(value: object, kind: type) -> dict[str, Json]:
    """Fields and chosen properties of a result."""
    content: dict[str, Json] = {}
    for field in _fields(kind):
        item = getattr(value, field.name)
        if field.flat is not None and isinstance(item, _Estimate):
            content[field.name] = _number(item.value)
            content[f"{field.flat}interval"] = _interval(item)
            content[f"{field.flat}se"] = _number(item.se)
        elif isinstance(item, Sample):  # a thumbnail is no text
            content |= {"text": item.text, "path": item.path}
        elif isinstance(item, Mapping):
            content[field.name] = _plain({**dict.fromkeys(field.keys), **item})
        else:
            content[field.name] = _plain(item)
    return content


def _plain(value: object) -> Json:  # noqa: PLR0911 - a line for each kind of value
    if isinstance(value, _Estimate):
        content = {
            "value": _number(value.value),
            "interval": _interval(value),
            "se": _number(value.se),
            "unit": value.unit,
        }
        return {**content, "note": value.note} if value.note else content
    if is_dataclass(value) and not isinstance(value, type):
        return _members(value, type(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float):
        return _number(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"no JSON for {type(value).__name__}")


def _interval(of: estimate.Estimate) -> list[Json] | None:
    if of.low is None or of.high is None:
        return None
    return [_number(of.low), _number(of.high)]


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


# --- types --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Field:
    """A field or a property of a result: its name, its type, and how it is written."""

    name: str
    kind: object
    flat: str | None = None
    keys: tuple[str, ...] = ()


# Annotations of the results are text, since their imports are for type checkers alone.
_NAMES: dict[str, object] = {"Mapping": Mapping, "Sample": Sample, "Unit": formatting.Unit}
for _module in (
    *(attribution, check, comparison, diagnosis, epoch_views, estimate, finding, level),
    *(metrics, remedy, review, samples),
):
    _NAMES |= {name: item for name, item in vars(_module).items() if isinstance(item, type)}


def _fields(kind: type) -> list[_Field]:
    hints = typing.get_type_hints(kind, localns=_NAMES)
    found = [
        _Field(
            field.name,
            hints[field.name],
            _FLAT.get((kind, field.name)),
            _KEYS.get((kind, field.name), ()),
        )
        for field in fields(kind)
        if (kind, field.name) not in _LEFT_OUT
    ]
    for name in _PROPERTIES.get(kind, ()):
        getter = vars(kind)[name].fget
        found.append(_Field(name, typing.get_type_hints(getter, localns=_NAMES)["return"]))
    return found


_NUMBER: Json = {"type": ["number", "null"]}
_INTERVAL: Json = {
    "anyOf": [
        {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2},
        {"type": "null"},
    ]
}
_ESTIMATE: Json = {
    "type": "object",
    "properties": {
        "value": _NUMBER,
        "interval": _INTERVAL,
        "se": _NUMBER,
        "unit": {"enum": list(typing.get_args(formatting.Unit))},
        "note": {"type": "string"},
    },
    "required": ["value", "interval", "se", "unit"],
}
_SCALARS: dict[object, Json] = {
    float: _NUMBER,
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    type(None): {"type": "null"},
}


class _Definitions:
    """Schemas of the types that a result is made of, each described once."""

    def __init__(self) -> None:
        self.content: dict[str, Json] = {}

    def describe(self, kind: type) -> dict[str, Json]:
        """Fields of a frozen row."""
        properties: dict[str, Json] = {}
        for field in _fields(kind):
            if field.flat is not None:
                properties |= {
                    field.name: _NUMBER,
                    f"{field.flat}interval": _INTERVAL,
                    f"{field.flat}se": _NUMBER,
                }
            elif field.kind is Sample:
                properties |= {"text": self._of(str | None), "path": self._of(str | None)}
            elif field.keys:
                value = self._of(typing.get_args(field.kind)[1])
                of_each: Json = {"anyOf": [value, {"type": "null"}]}
                properties[field.name] = {
                    "type": "object",
                    "properties": dict.fromkeys(field.keys, of_each),
                    "required": list(field.keys),
                }
            else:
                properties[field.name] = self._of(field.kind)
        return {"type": "object", "properties": properties, "required": list(properties)}

    def _of(self, kind: object) -> Json:  # noqa: PLR0911 - a line for each kind of type
        if kind in _SCALARS:
            return _SCALARS[kind]
        origin, inner = typing.get_origin(kind), typing.get_args(kind)
        if origin is typing.Literal:
            return {"enum": list(inner)}
        if origin in {typing.Union, types.UnionType}:
            return {"anyOf": [self._of(part) for part in inner]}
        if origin is tuple and inner[-1] is Ellipsis:
            return {"type": "array", "items": self._of(inner[0])}
        if origin is tuple:
            return {
                "type": "array",
                "prefixItems": [self._of(part) for part in inner],
                "minItems": len(inner),
                "maxItems": len(inner),
            }
        if origin is Mapping:
            return {"type": "object", "additionalProperties": self._of(inner[1])}
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"enum": [str(item.value) for item in kind]}
        if isinstance(kind, type):
            return self._reference(kind)
        raise TypeError(f"no schema for {kind}")

    def _reference(self, kind: type) -> Json:
        name = kind.__name__
        if name not in self.content:
            self.content[name] = {}  # a type that holds itself must not be described for ever
            self.content[name] = _ESTIMATE if kind is _Estimate else self.describe(kind)
        return {"$ref": f"#/$defs/{name}"}
