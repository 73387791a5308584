"""Properties of the package and the repository as a whole."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import whyloss

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EVERYTHING_REQUIRED = os.environ.get("WHYLOSS_REQUIRE_EXTRAS") == "1"

SLOW_TO_IMPORT = {
    "altair", "keras", "matplotlib", "numba", "numpy", "pyarrow", "rich", "scipy", "sklearn",
    "tensorflow", "torch", "vl_convert",
}  # fmt: skip


def tracked_files():
    """List the files under version control, which are what other people get."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"],  # noqa: S607 - wherever the machine has its git
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        if EVERYTHING_REQUIRED:
            raise
        pytest.skip(f"no git checkout: {error}")
    names = listed.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


# --- what `import whyloss` does -----------------------------------------------------------------


def test_the_import_loads_nothing_slow():
    code = (
        "import sys; before = set(sys.modules); import whyloss; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "whyloss" in loaded
    assert loaded & SLOW_TO_IMPORT == set()


@pytest.mark.parametrize("name", whyloss.__all__)
def test_every_public_name_is_there(name):
    assert getattr(whyloss, name) is not None
    assert name in dir(whyloss)


def test_an_unknown_name_is_an_ordinary_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        whyloss.no_such_name  # noqa: B018 - reading it is the test


def test_the_version_is_said_once_and_the_same():
    assert whyloss.__version__ == metadata.version("whyloss")
    assert "version" in PYPROJECT["project"]["dynamic"]
    assert f"## {whyloss.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {whyloss.__version__}\n" in citation


# --- what SECURITY.md promises, beside the tests of reading, of the report and of the live page ---


def test_no_module_can_unpickle_or_reach_another_machine():
    forbidden = {
        "aiohttp", "asyncio", "ftplib", "http.client", "httpx", "marshal", "pickle", "requests",
        "shelve", "smtplib", "socket", "ssl", "urllib.request", "urllib3", "xmlrpc",
    }  # fmt: skip
    imported = {
        (name, str(file.relative_to(ROOT)))
        for file in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in imported_names(node)
    }
    assert len(imported) > 1000
    assert {(name, file) for name, file in imported if name in forbidden} == set()


def imported_names(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


# --- the repository -----------------------------------------------------------------------------


def test_no_tracked_file_names_a_path_of_somebodys_machine():
    # Written as a pattern, so that this file does not find itself. After a letter, a digit or the
    # like it is no absolute path, but part of a web address or of a longer path.
    path = re.compile(rb"(?<![\w.~)}-])/(?:home|root|work|Users)/[\w.]")
    found = [
        f"{file.relative_to(ROOT)}: {match[0].decode()}…"
        for file in tracked_files()
        if (match := path.search(file.read_bytes()))
    ]
    assert found == []


def test_no_source_file_has_500_lines():
    sources = sorted((ROOT / "src").rglob("*.py"))
    assert sources
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for file in sources
    }
    assert {name: length for name, length in lengths.items() if length >= 500} == {}


def test_every_part_imports_only_parts_below_it():
    if not EVERYTHING_REQUIRED:
        pytest.importorskip("importlinter", reason="needs the lint extra")
    code = "import sys; from importlinter import cli; sys.exit(cli.lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_bootstrap_empties_no_folder_that_is_not_its_own(tmp_path):
    (tmp_path / "thesis.txt").write_text("ten years of work")
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "bootstrap.py", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "holds something that is no virtual environment" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "ten years of work"


# --- docs/dependencies.md -----------------------------------------------------------------------


def package(requirement):
    return re.match(r"[\w.-]+", requirement)[0].lower()


def declared_dependencies():
    """Map each package of pyproject.toml to the extras that name it."""
    groups = {
        "runtime": PYPROJECT["project"]["dependencies"],
        **PYPROJECT["project"]["optional-dependencies"],
        "build": PYPROJECT["build-system"]["requires"],
    }
    declared = {}
    for group, requirements in groups.items():
        for requirement in requirements:
            declared.setdefault(package(requirement), set()).add(group)
    return declared


def documented_dependencies():
    """Map each package of the tables to the extras in its row."""
    documented = {}
    for line in (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            section = line.strip("# ").lower()
        if not line.startswith("| `"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        groups = {section} if section == "runtime" else set(re.findall(r"\w+", cells[1]))
        assert all(cells), f"an empty cell in the row of {cells[0]}"
        assert cells[0] not in documented, f"{cells[0]} has two rows"
        documented[cells[0].strip("`")] = groups
    return documented


def test_every_dependency_has_its_reason_and_no_reason_is_left_over():
    assert documented_dependencies() == declared_dependencies()


def test_no_modules_import_each_other_in_a_circle():
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("whyloss")
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    # Whoever imports nothing that is left stands in no circle; what remains in the end does.
    while free := [name for name, others in imports.items() if not others & imports.keys()]:
        for name in free:
            del imports[name]
    assert sorted(imports) == []
