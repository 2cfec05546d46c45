"""Answers of arXiv and ADS made up for benchmarks: any number of papers, the same for the same seed, no network.

Every paper follows from its number alone, so two services describe the same paper where their numbers meet. Sizes
follow what is real: abstracts of some 1,100 characters, three authors in the middle and six on average, a tenth with
more than a dozen (measured on 133,352 listings and 9,424 abstracts of astro-ph).
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from itertools import accumulate
from random import Random
from xml.sax.saxutils import escape

SEED = 2026
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_FIRST_DAY = date(2010, 1, 1)
PER_DAY = 20
"""Papers submitted each day."""


def _made_words(count: int) -> list[str]:
    chance = Random(SEED)
    syllables = [a + b for a in "bcdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "is", "or")]
    return ["".join(chance.choices(syllables, k=chance.choice((1, 2, 2, 3, 3, 4)))) for _ in range(count)]


_WORDS = _made_words(6_000)
_WEIGHTS = list(accumulate(1 / (rank + 3) for rank in range(len(_WORDS))))
_SURNAMES = [word.capitalize() for word in _made_words(9_000)[3_000:]]


@dataclass(frozen=True, slots=True)
class MadePaper:
    """One made-up paper; ``bibcode`` and ``doi`` are those of the printed article."""

    number: int
    title: str
    abstract: str
    authors: tuple[tuple[str, str], ...]
    day: date

    @property
    def arxiv_id(self) -> str:
        """The arXiv number: year and month of submission, then a number of its own."""
        return f"{self.day:%y%m}.{self.number % 100_000:05}"

    @property
    def doi(self) -> str:
        """The article's DOI, unlike any other paper's."""
        return f"10.9999/bench.{self.number:07}"

    @property
    def bibcode(self) -> str:
        """The article's bibcode, unlike any other paper's."""
        volume, page = divmod(self.number, 10_000)
        return f"{self.day.year}Bench{volume:4}.{page:4}{self.authors[0][1][0]}".replace(" ", ".")


@lru_cache(maxsize=4096)
def paper(number: int) -> MadePaper:
    """The paper with this number."""
    chance = Random(SEED * 1_000_003 + number)
    count = min(80, max(1, round(chance.lognormvariate(1.15, 1.05))))
    authors = tuple(
        (f"{chance.choice(_LETTERS).upper()}. {chance.choice(_LETTERS).upper()}.", chance.choice(_SURNAMES))
        for _ in range(count)
    )
    day = _FIRST_DAY + timedelta(days=number // PER_DAY)
    return MadePaper(number, _prose(chance, 11).capitalize(), _sentences(chance, 150), authors, day)


def numbers_of(first: date, last: date) -> range:
    """The papers submitted from ``first`` to ``last``, both included."""
    return range((first - _FIRST_DAY).days * PER_DAY, ((last - _FIRST_DAY).days + 1) * PER_DAY)


def _prose(chance: Random, count: int) -> str:
    return " ".join(chance.choices(_WORDS, cum_weights=_WEIGHTS, k=count))


def _sentences(chance: Random, count: int) -> str:
    words = chance.choices(_WORDS, cum_weights=_WEIGHTS, k=count)
    for place in range(0, count, 19):
        words[place] = words[place].capitalize()
        words[place - 1] += "."
    words[7] = f"$z={chance.random():.3f}$"
    return " ".join(words)


def atom_page(numbers: Iterable[int], total: int, start: int = 0) -> bytes:
    """A page of arXiv's API with these papers, of ``total`` in the whole query, as it was written in 2026."""
    entries = [_atom_entry(paper(number)) for number in numbers]
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" '
        'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">\n'
        "  <id>https://arxiv.org/api/bench</id>\n  <title>arXiv Query: bench</title>\n"
        "  <updated>2026-11-22T00:00:00Z</updated>\n"
        f"  <opensearch:itemsPerPage>{len(entries)}</opensearch:itemsPerPage>\n"
        f"  <opensearch:totalResults>{total}</opensearch:totalResults>\n"
        f"  <opensearch:startIndex>{start}</opensearch:startIndex>\n" + "".join(entries) + "</feed>\n"
    ).encode()


def _atom_entry(made: MadePaper) -> str:
    authors = "".join(
        f"    <author>\n      <name>{first} {last}</name>\n    </author>\n" for first, last in made.authors
    )
    doi = f"    <arxiv:doi>{made.doi}</arxiv:doi>\n" if made.number % 3 else ""
    return (
        f"  <entry>\n    <id>http://arxiv.org/abs/{made.arxiv_id}v1</id>\n    <title>{escape(made.title)}</title>\n"
        f"    <updated>{made.day}T15:05:19Z</updated>\n"
        f'    <link href="https://arxiv.org/abs/{made.arxiv_id}v1" rel="alternate" type="text/html"/>\n'
        f'    <link href="https://arxiv.org/pdf/{made.arxiv_id}v1" rel="related" type="application/pdf" title="pdf"/>\n'
        f"    <summary>{escape(made.abstract)}</summary>\n"
        '    <category term="astro-ph.GA" scheme="http://arxiv.org/schemas/atom"/>\n'
        '    <category term="astro-ph.CO" scheme="http://arxiv.org/schemas/atom"/>\n'
        f"    <published>{made.day}T15:05:19Z</published>\n"
        f"    <arxiv:comment>{made.number % 30 + 4} pages, 9 figures</arxiv:comment>\n"
        '    <arxiv:primary_category term="astro-ph.GA"/>\n' + authors + doi + "  </entry>\n"
    )


def oai_page(numbers: Iterable[int], token: str | None = None) -> bytes:
    """A page of arXiv over OAI-PMH, format arXivRaw; ``token`` leads to the next one."""
    records = "".join(_oai_record(paper(number)) for number in numbers)
    end = f"<resumptionToken>{token}</resumptionToken>" if token else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n<responseDate>2026-11-22T04:00:00Z</responseDate>\n'
        '<request verb="ListRecords" metadataPrefix="arXivRaw">http://127.0.0.1/oai</request>\n<ListRecords>\n'
        f"{records}{end}</ListRecords>\n</OAI-PMH>\n"
    ).encode()


def _oai_record(made: MadePaper) -> str:
    sent = datetime(made.day.year, made.day.month, made.day.day, 15, 5, 19, tzinfo=UTC)
    versions = "".join(
        f'<version version="v{n}"><date>{format_datetime(sent + timedelta(days=40 * (n - 1)), usegmt=True)}</date>'
        "<size>669kb</size><source_type>D</source_type></version>"
        for n in range(1, 2 + made.number % 2)
    )
    authors = ", ".join(f"{first} {last}" for first, last in made.authors)
    return (
        f"<record>\n<header>\n <identifier>oai:arXiv.org:{made.arxiv_id}</identifier>\n"
        f" <datestamp>{made.day}</datestamp>\n <setSpec>physics:astro-ph</setSpec>\n</header>\n<metadata>\n"
        f' <arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>{made.arxiv_id}</id>'
        f"<submitter>{made.authors[0][1]}</submitter>{versions}<title>{escape(made.title)}</title>"
        f"<authors>{authors}</authors><categories>astro-ph.GA astro-ph.CO</categories><comments>9 figures</comments>"
        f"<doi>{made.doi}</doi><license>http://arxiv.org/licenses/nonexclusive-distrib/1.0/</license>"
        f"<abstract>  {escape(made.abstract)}\n</abstract></arXivRaw>\n</metadata>\n</record>\n"
    )


def ads_page(numbers: Iterable[int], found: int, mark: str = "*", next_mark: str = "*") -> bytes:
    """A search answer of ADS with these papers as printed articles, a highlight for each."""
    made = [paper(number) for number in numbers]
    answer = {
        "responseHeader": {"status": 0, "QTime": 11, "params": {"q": "bench", "cursorMark": mark, "wt": "json"}},
        "response": {"numFound": found, "start": 0, "numFoundExact": True, "docs": [_ads_document(m) for m in made]},
        "highlighting": {
            str(m.number): {"ack": [f"This paper makes use of the following data: <em>{m.title[:30]}</em>."]}
            for m in made
        },
        "nextCursorMark": next_mark,
    }
    return json.dumps(answer).encode()


def _ads_document(made: MadePaper) -> dict[str, object]:
    names = [f"{last}, {first}" for first, last in made.authors]
    printed = made.day + timedelta(days=120)
    preprint = f"{made.day.year}arXiv{made.arxiv_id.replace('.', '')}{made.authors[0][1][0]}"
    return {
        "id": str(made.number),
        "bibcode": made.bibcode,
        "identifier": [made.bibcode, preprint, made.doi, f"arXiv:{made.arxiv_id}"],
        "alternate_bibcode": [preprint],
        "doi": [made.doi],
        "title": [made.title],
        "abstract": made.abstract,
        "author": names,
        "aff": [f"Institute of {last}, {last} Street 1, Invented Town" for _, last in made.authors],
        "orcid_pub": ["-"] * len(names),
        "doctype": "article",
        "property": ["ARTICLE", "EPRINT_OPENACCESS", "REFEREED"],
        "pub": "The Journal of Benchmarks",
        "volume": str(made.number // 10_000),
        "issue": "1",
        "page": [str(made.number % 10_000)],
        "year": str(printed.year),
        "pubdate": f"{printed:%Y-%m}-00",
        "entry_date": f"{made.day}T00:00:00Z",
        "keyword": ["galaxies", "dust", "made up"],
        "citation_count": made.number % 90,
        "arxiv_class": ["astro-ph.GA"],
        "database": ["astronomy"],
    }


def tex_archive(papers: int) -> bytes:
    """A packed source as arXiv sends it: one long TeX text, a bibliography, and a figure that is no text."""
    chance = Random(SEED)
    sections = "\n\n".join(
        f"\\section{{{_prose(chance, 4)}}}\n{_sentences(chance, 900)} \\citep{{x{n}}}" for n in range(papers)
    )
    main = f"\\documentclass{{aastex}}\n\\begin{{document}}\n{sections}\n\\end{{document}}\n".encode()
    members = {"main.tex": main, "main.bbl": main[: len(main) // 5], "figure.eps": b"%!PS-Adobe\n" + b"0 0 m\n" * 9000}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return gzip.compress(buffer.getvalue(), mtime=0)


def pdf(pages: int) -> bytes:
    """A PDF of two columns of Helvetica, some 5,000 characters a page."""
    chance = Random(SEED)
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number in range(pages):
        stream = " ".join(_column(chance, left) for left in (40, 310))
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1")
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{o:010d} 00000 n \n" for o in offsets)
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return body + (table + trailer).encode()


def _column(chance: Random, left: int) -> str:
    lines = " T* ".join(f"({_prose(chance, 8)}) Tj" for _ in range(55))
    return f"BT /F1 9 Tf 12 TL {left} 740 Td {lines} ET"
