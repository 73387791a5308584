"""The literature that whyloss rests on, kept as BibTeX beside the code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_ENTRY = re.compile(r"^@(\w+)\{([^,]+), (.*)\}$", re.MULTILINE)
_FIELD = re.compile(r"(\w+) = \{((?:[^{}]|\{[^{}]*\})*)\}")
# The accents that occur in the file.
_ACCENTS = {'{\\"u}': "ü", '{\\"o}': "ö", "{\\'e}": "é", "{\\`e}": "è", "{\\~n}": "ñ"}
MOST_AUTHORS = 2


@dataclass(frozen=True)
class Reference:
    """A publication.

    Attributes
    ----------
    key : str
        How rules cite it: ``arXiv:1706.04599`` or ``doi:10.1002/...``.
    title, authors : str
        Authors by their last names; of more than two the first one.
    year : int
    bibtex : str
        The whole entry.
    """

    key: str
    title: str
    authors: str
    year: int
    bibtex: str

    @property
    def link(self) -> str:
        """Address of the publication."""
        kind, _, identifier = self.key.partition(":")
        place = "https://arxiv.org/abs" if kind == "arXiv" else "https://doi.org"
        return f"{place}/{identifier}"

    def __str__(self) -> str:
        return f"{self.authors} ({self.year}). {self.title}. {self.link}"


@cache
def references() -> dict[str, Reference]:
    """Every reference by its key, in the order of the keys."""
    text = files("whyloss").joinpath("references.bib").read_text("utf-8")
    found = {}
    for entry in _ENTRY.finditer(text):
        key, fields = entry[2], dict(_FIELD.findall(entry[3]))
        found[key] = Reference(
            key, _plain(fields["title"]), _names(fields["author"]), int(fields["year"]), entry[0]
        )
    return found


def _names(authors: str) -> str:
    last = [_plain(author.partition(",")[0]) for author in authors.split(" and ")]
    return f"{last[0]} et al." if len(last) > MOST_AUTHORS else " and ".join(last)


def _plain(text: str) -> str:
    for tex, letter in _ACCENTS.items():
        text = text.replace(tex, letter)
    return text
