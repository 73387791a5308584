"""What whyloss knows to look for: one file per rule, found by being here."""

import pkgutil
from importlib import import_module

from whyloss.rules.base import SECTIONS, Check, Lead, Rule

_FILES = (module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")
_RULES: list[Rule] = [import_module(f"{__name__}.{name}").RULE for name in _FILES]

# By code; a rule that comes before another one stands right in front of it.
ALL: tuple[Rule, ...] = tuple(
    sorted(_RULES, key=lambda rule: (rule.before or rule.code, not rule.before))
)

__all__ = ["ALL", "SECTIONS", "Check", "Lead", "Rule"]
