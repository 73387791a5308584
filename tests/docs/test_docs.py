"""Every block of code in the documentation runs, and every link inside it leads somewhere."""

import contextlib
import importlib.util
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import whyloss
from conftest import require
from whyloss.cli import cli

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# Rule pages are generated, and tested with the rules.
PAGES = sorted(
    path
    for path in [ROOT / "README.md", *DOCS.rglob("*.md")]
    if "rules" not in path.parts and "_build" not in path.parts
)
# A block of text right below a block of code is what that prints; "…" at its end: the beginning.
BLOCK = re.compile(
    r"^<!-- setup\n(?P<setup>.*?)^-->$"
    r"|^```(?P<kind>python|console)\n(?P<code>.*?)^```$(?:\n\n^```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


@every_page
def test_every_block_runs_and_prints_what_stands_below_it(page, tmp_path, monkeypatch, request):
    text = page.read_text(encoding="utf-8")
    for framework in re.findall(r"<!-- requires (\w+) -->", text):
        if framework == "keras":
            os.environ.setdefault("KERAS_BACKEND", "torch")
            require("torch")
        require(framework)
    # As in a clone, whose examples the pages read.
    shutil.copytree(DOCS / "examples", tmp_path / "docs" / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    names, parts, end = {"__name__": "page"}, [], 0
    for block in BLOCK.finditer(text):
        if block["kind"] == "console":
            printed = output_of_commands(block["code"])
        else:
            printed = output_of_python(block["setup"] or block["code"], names)
        if block["output"] is not None:
            parts += [text[end : block.start("output")], beginning(printed, block["output"])]
            end = block.end("output")
    current = "".join([*parts, text[end:]])
    if request.config.getoption("--update-snapshots"):
        page.write_text(current, encoding="utf-8")
        return
    assert text == current, "run with --update-snapshots, and read the difference"


def output_of_python(code, names):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "a block", "exec"), names)  # noqa: S102 - our own pages
    return printed.getvalue()


def output_of_commands(code):
    outputs = []
    for line in code.splitlines():
        if line.startswith("$ whyloss "):
            answer = CliRunner().invoke(cli, shlex.split(line)[2:])
            assert answer.exit_code == 0, f"{line}: {answer.output}"
            assert answer.output
            outputs.append(answer.stdout)
    return "".join(outputs)


def beginning(printed, shown):
    lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
    if shown.endswith("…\n"):
        lines = [*lines[: shown.count("\n") - 1], "…"]
    return "\n".join([*lines, ""])


@every_page
def test_every_link_between_files_leads_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


def test_the_architecture_names_every_part_of_the_package_and_nothing_that_is_not_there():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "src" / "whyloss"
    parts = {path.name for path in package.iterdir() if (path / "__init__.py").exists()}
    diagram = re.search(r"```text\n(.*?)```", text, re.DOTALL)[1]
    assert set(re.findall(r"\b(\w+)/", diagram)) == parts
    named = re.findall(r"`((?:[a-z_]+/)+(?:\w+\.py)?|\w+\.(?:py|bib))`", text)
    assert len(named) > 30
    for name in named:
        assert (package / name).exists(), name


def test_the_api_pages_hold_every_public_name_and_every_kind_of_result():
    index, results = (
        (DOCS / "api" / f"{name}.md").read_text(encoding="utf-8") for name in ("index", "results")
    )
    public = {f"whyloss.{name}" for name in whyloss.__all__} - {
        "whyloss.__version__",
        "whyloss.WhylossError",  # with all of whyloss.errors
    }
    assert public <= set(re.findall(r"auto(?:class|function):: (\S+)", index))
    modules = {f.stem for f in (ROOT / "src/whyloss/results").glob("*.py")}
    listed = set(re.findall(r"automodule:: whyloss\.results\.(\w+)", results))
    assert listed == modules - {"__init__", "diagnosis"}


@pytest.mark.parametrize("name", ["cli", "glossary"])
def test_the_written_pages_are_current(name):
    tool = loaded(ROOT / "tools" / f"{name}_page.py")
    written = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert written == tool.page(), "run `make docs`"


def loaded(path):
    """Import a script that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_site_builds_without_a_warning(tmp_path):
    require("sphinx")
    for needed in ("furo", "myst_parser", "numpydoc", "sphinx_copybutton"):
        if importlib.util.find_spec(needed) is None:
            require(needed)
    options = ["-q", "--fail-on-warning", "-b", "html", str(DOCS), str(tmp_path / "site")]
    # Apart, because the tools have warnings of their own, which here are errors.
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *options], capture_output=True, text=True, check=False
    )
    assert (built.returncode, built.stderr) == (0, "")
    assert (tmp_path / "site/rules/overconfidence.html").is_file()
