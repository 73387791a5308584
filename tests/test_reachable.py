"""Nothing in the package is used by tests alone."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "whyloss"

# Names that no other line of the package uses, and who does.
CALLED_FROM_OUTSIDE = {
    "Check.thresholds": "tools/rule_pages.py",
    "Notebook._repr_html_": "notebooks",
    "Run.repair": "people whose run was cut off; the run's own name for it",
    "Shown.to_markdown": "people, as docs/api says",
    "WhylossCallback.on_epoch_end": "Keras",
    "WhylossCallback.on_train_end": "Keras",
    "_Handler.do_GET": "http.server",
    "_Handler.log_message": "http.server",
    "_Rows.handle_data": "html.parser",
    "_Rows.handle_endtag": "html.parser",
    "_Rows.handle_starttag": "html.parser",
    "_Server.handle_error": "socketserver",
    "_Server.service_actions": "socketserver",
    "__dir__": "Python",
    "__getattr__": "Python",
    "summarise": "Python code over runs larger than memory; the verbs will be built on it",
    "summarise_run": "the same, as docs/howto/large.md says",
}


def trees():
    for path in sorted(SOURCE.rglob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def words_used():
    """How often each name is read: as a variable, an attribute, a keyword, a string, in a page."""
    used = Counter()
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used[node.id] += 1
            elif isinstance(node, ast.Attribute):
                used[node.attr] += 1
            elif isinstance(node, ast.keyword) and node.arg:
                used[node.arg] += 1
            elif isinstance(node, ast.Constant) and str(node.value).isidentifier():
                used[str(node.value)] += 1
    for path in SOURCE.rglob("*.jinja"):
        used.update(re.findall(r"\w+", path.read_text(encoding="utf-8")))
    return used


def names_defined():
    """Functions, classes, constants and methods; what a decorator takes is registered by it."""
    for tree in trees():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and not node.decorator_list:
                yield node.name
            elif isinstance(node, ast.ClassDef):
                yield node.name
                methods = (inner for inner in node.body if isinstance(inner, ast.FunctionDef))
                yield from (
                    f"{node.name}.{method.name}"
                    for method in methods
                    if not method.name.startswith("__")
                )
            elif isinstance(node, ast.Assign):
                yield from (name.id for name in node.targets if isinstance(name, ast.Name))


def test_every_name_is_used_by_the_package_or_by_somebody_named():
    used = words_used()
    unused = {name for name in names_defined() if not used[name.rpartition(".")[2]]}
    assert unused - {"__all__"} == set(CALLED_FROM_OUTSIDE)
