"""Identifiers of papers as people write them: bare, with a prefix, or as the address of a page.

    10.3847/1538-4357/ab0001          doi:10.3847/…             https://doi.org/10.3847/…
    2021ApJ...900....1D               https://ui.adsabs.harvard.edu/abs/2015A%26A...580A..11D/abstract
    2101.00001  astro-ph/9501013v2    arXiv:2101.00001          https://arxiv.org/abs/2101.00001v3 (or /pdf/)

The whole of a text must be one identifier; nothing is searched for within a sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_DOI_PREFIX = re.compile(r"(?:https?://(?:[\w-]+\.)*doi\.org/|doi:\s*|doi\s+)", re.IGNORECASE)
_ARXIV = re.compile(r"(\d{4}\.\d{4,5}|[a-z][a-z-]*(?:\.[A-Za-z]{2})?/\d{7})(?:v(\d{1,4}))?(?:\.pdf)?", re.IGNORECASE)
_ARXIV_PREFIX = re.compile(r"(?:https?://(?:[\w-]+\.)*arxiv\.org/(?:abs|pdf|html|format)/|arxiv:\s*)", re.IGNORECASE)
_ARXIV_DOI = re.compile(r"10\.48550/arxiv\.", re.IGNORECASE)
_BIBCODE = re.compile(r"(?:1[5-9]|20)\d\d[A-Za-z0-9&.]{14}[A-Za-z0-9.]")
_BIBCODE_PREFIX = re.compile(
    r"(?:https?://(?:[\w-]+\.)*adsabs\.harvard\.edu/(?:abs|full|pdf|link_gateway)/|"
    r"https?://(?:[\w-]+\.)*scixplorer\.org/abs/|bibcode:\s*)",
    re.IGNORECASE,
)
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class PaperName:
    """One identifier of one paper: exactly one of the three is given; ``arxiv_version`` where it was written."""

    doi: str | None = None
    bibcode: str | None = None
    arxiv_id: str | None = None
    arxiv_version: int | None = None

    @property
    def key(self) -> str:
        """The identifier as a list's own key: a bibcode bare, the others with their kind before them."""
        return self.bibcode or (f"doi:{self.doi}" if self.doi else f"arXiv:{self.arxiv_id}")

    @property
    def year(self) -> int | None:
        """The year of issue, which every bibcode begins with; None of other identifiers."""
        return int(self.bibcode[:4]) if self.bibcode else None

    @property
    def kind(self) -> str | None:
        """ "eprint" of a bibcode that names a preprint; of all others the kind is not known."""
        return "eprint" if self.bibcode and "arXiv" in self.bibcode else None


def read_name(written: str) -> PaperName | None:
    """Return the identifier that ``written`` is, or None when it is none."""
    text = written.strip().strip("<>\"'").rstrip(",;").strip()
    if not text or len(text) > _LONGEST:
        return None
    return _doi(text) or _bibcode(text) or _arxiv(text)


def _doi(text: str) -> PaperName | None:
    bare = _DOI_PREFIX.sub("", text, count=1)
    bare = unquote(bare) if "%" in bare else bare
    if _ARXIV_DOI.match(bare):
        return _arxiv(_ARXIV_DOI.sub("", bare))
    # "%00" and the like would become signs that no database takes.
    return PaperName(doi=bare.rstrip(".")) if _DOI.fullmatch(bare) and bare.isprintable() else None


def _bibcode(text: str) -> PaperName | None:
    prefix = _BIBCODE_PREFIX.match(text)
    bare = text[prefix.end() :].partition("/")[0].partition("?")[0] if prefix else text
    bare = unquote(bare) if "%" in bare else bare
    bare = bare.replace("&amp;", "&").replace("\\&", "&")
    return PaperName(bibcode=bare) if _BIBCODE.fullmatch(bare) else None


def _arxiv(text: str) -> PaperName | None:
    prefix = _ARXIV_PREFIX.match(text)
    bare = text[prefix.end() :].partition("?")[0].partition(" ")[0].rstrip("/") if prefix else text
    found = _ARXIV.fullmatch(bare)
    if found is None:
        return None
    return PaperName(arxiv_id=found[1], arxiv_version=int(found[2]) if found[2] else None)
