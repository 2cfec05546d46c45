"""One paper's identifier as people paste it: bare, with a prefix, in brackets, with its version, or as an address."""

from __future__ import annotations

import re

from sqlmodel import Session

from biblio.catalogue.groups import papers_of
from biblio.catalogue.identity import Identifier, normal_arxiv, normal_bibcode, normal_doi
from biblio.errors import RequestRefused
from biblio.store.current import survivor_of
from biblio.store.words import Scheme
from harvesters.identifiers import read_name

_ARXIV_DOI = "10.48550/arxiv."
_CLASS = re.compile(r"\s*[\[(][a-z-]+(?:\.[A-Za-z-]+)?[\])]$")
"""The subject that arXiv prints behind a number: ``arXiv:2401.00001v2 [astro-ph.GA]``."""
_AROUND = "\"'“”‘’<>.,;: \t\r\n\u00a0\u200b\ufeff"
_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">", "“": "”", "«": "»"}
_LONGEST = 300


def read_identifier(written: str) -> Identifier:
    """Return the identifier in ``written`` (a DOI, bibcode, arXiv number, or the address of one).

    Blanks, brackets and quotation marks around it, an arXiv version and the subject behind it are left away. Raises
    ``RequestRefused`` when there is none.
    """
    bibcode = normal_bibcode(written[:_LONGEST])  # one may end in a full stop, which is none of a sentence's
    found = Identifier(Scheme.BIBCODE, bibcode) if bibcode else _identifier(_bare(written)[: _LONGEST + 1])
    if found is not None:
        return found
    raise RequestRefused("This is no DOI, ADS bibcode or arXiv number: copy it from the paper's first page or address.")


def _identifier(text: str) -> Identifier | None:
    """Return the identifier that a text is, as far as its beginning and its last part tell."""
    name = read_name(text)
    last = text.rstrip("/").removesuffix("/abstract").rpartition("/")[2]
    doi = normal_doi(name.doi if name is not None else text)
    if doi is not None and doi.startswith(_ARXIV_DOI):
        text, doi = doi.removeprefix(_ARXIV_DOI), None
    arxiv = name.arxiv_id if name is not None else None
    bibcode = name.bibcode if name is not None else None
    for scheme, value in (
        (Scheme.ARXIV, normal_arxiv(arxiv or text) or (normal_arxiv(last) if "://" in text else None)),
        (Scheme.DOI, doi),
        (Scheme.BIBCODE, normal_bibcode(bibcode or text) or normal_bibcode(last)),
    ):
        if value is not None and len(value) <= 255:
            return Identifier(scheme, value)
    return None


def _bare(written: str) -> str:
    """Take away what stands around an identifier in a sentence."""
    text = " ".join(written.split()).strip(_AROUND)
    while text and _PAIRS.get(text[0]) == text[-1]:
        text = text[1:-1].strip(_AROUND)
    text = _CLASS.sub("", text)
    return text[1:].strip(_AROUND) if text[:1] in _PAIRS and _PAIRS[text[0]] not in text else text


def find_paper(session: Session, identifier: Identifier) -> int | None:
    """Return the paper that is known under this identifier (the one that stands for it), or None."""
    known = papers_of(session, [identifier])
    return survivor_of(session, min(known)) if known else None
