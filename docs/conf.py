"""How the documentation is built: ``make site``, with warnings as errors."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import TYPE_CHECKING

from whyloss.references import references

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "whyloss"
release = version = version_of("whyloss")
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "whyloss"
html_static_path: list[str] = []
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# The rule pages are made of docstrings, whose sections begin one level down.
suppress_warnings = ["myst.header"]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
autosummary_generate = False
autodoc_typehints = "none"  # numpydoc says the types in words
numpydoc_show_class_members = False
nitpicky = False


def _fill(_app: Sphinx, page: str, source: list[str]) -> None:
    """Put the list of the package where the page of the literature wants it."""
    if page == "literature":
        lines = (
            f"- {one.authors} ({one.year}). {one.title}. <{one.link}>"
            for one in references().values()
        )
        source[0] = source[0].replace("LITERATURE", "\n".join(lines))


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _fill)
