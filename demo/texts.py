"""The full texts of the demo's papers: plain for the search service, TeX or PDF for the e-print service."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import textwrap
import unicodedata
import zlib

from demo.papers import Paper
from demo.pdf import write_pdf

BOMB_BYTES = 128 * 1024**2
"""How much the seeded archive bomb unpacks to; packed it is about a thousandth of that."""

CONTENT_TYPES = {"pdf": "application/pdf", "broken_pdf": "application/pdf"}

_ACCENTS = {
    "\u0301": "'", "\u0300": "`", "\u0308": '"', "\u0302": "^", "\u0303": "~", "\u030a": "r", "\u030c": "v",
    "\u0327": "c", "\u0328": "k", "\u0306": "u", "\u030b": "H", "\u0307": ".",
}  # fmt: skip
_LETTERS = {"ø": r"{\o}", "Ø": r"{\O}", "ł": r"{\l}", "Ł": r"{\L}", "ı": r"{\i}", "ß": r"{\ss}", "μ": r"$\mu$"}


def tex_letters(text: str) -> str:
    """Return ``text`` with accented letters as TeX commands and ``& % # _`` escaped."""
    out: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        if char in "&%#_":
            out.append("\\" + char)
        elif char in _LETTERS:
            out.append(_LETTERS[char])
        else:
            parts = unicodedata.normalize("NFD", char)
            base, command = parts[0], _ACCENTS.get(parts[1:])
            out.append(f"{{\\{command}{{{base}}}}}" if command else char)
    return "".join(out)


MEASURED = 95
"""Rows of the table of measurements: with it a manuscript is as long as a short letter."""


def measurements(paper: Paper) -> list[tuple[str, str, str]]:
    """Return the table of measurements that every paper prints: source, flux in mJy, its error. No names, no codes."""
    numbers = random.Random(f"measurements {paper.id}")
    return [
        (f"Source {row}", f"{numbers.uniform(0.3, 90):.2f}", f"{numbers.uniform(0.01, 0.9):.2f}")
        for row in range(1, MEASURED + 1)
    ]


def plain_body(paper: Paper) -> str:
    """Return the body as plain text: what a search service has indexed."""
    return " ".join([paper.abstract, *paper.body])


def plain_lines(paper: Paper, *, with_acknowledgement: bool = True) -> list[str]:
    """Return the whole paper as lines of a printed page; codes broken by the damage stay broken."""
    blocks = [
        paper.title,
        ", ".join(author.spoken for author in paper.authors),
        "Abstract",
        paper.abstract,
        "1. Observations",
        " ".join(paper.body),
        "Measurements: source, flux, error (mJy)",
        "; ".join(", ".join(row) for row in measurements(paper)),
    ]
    lines: list[str] = []
    for block in blocks:
        lines += [*textwrap.wrap(block, 92), ""]
    if not with_acknowledgement:
        return lines
    lines += ["Acknowledgements", ""]
    for part in paper.acknowledgement.split("\n"):
        lines += textwrap.wrap(part, 92)
    return lines


def tex_source(paper: Paper, *, with_acknowledgement: bool = True) -> str:
    """Return the paper as a TeX manuscript; earlier versions may still lack the acknowledgement."""
    authors = r" \and ".join(
        tex_letters(author.spoken) + (_thanks(author.email) if place == 0 and _prints_address(paper) else "")
        for place, author in enumerate(paper.authors)
    )
    thanks = f"\\begin{{acknowledgements}}\n{paper.tex_acknowledgement}\n\\end{{acknowledgements}}\n"
    table = "".join(f"{' & '.join(row)} \\\\\n" for row in measurements(paper))
    body = "\n\n".join(textwrap.fill(tex_letters(sentence), 96, break_on_hyphens=False) for sentence in paper.body)
    return (
        "\\documentclass{article}\n"
        f"{paper.tex_preamble}"
        f"\\title{{{tex_letters(paper.title)}}}\n\\author{{{authors}}}\n\\begin{{document}}\n\\maketitle\n"
        f"\\begin{{abstract}}\n{tex_letters(paper.abstract)}\n\\end{{abstract}}\n"
        f"\\section{{Introduction}}\n{tex_letters(paper.abstract.split('. ')[0])}. % to be expanded\n\n"
        f"\\section{{Observations and results}}\n{body}\n\n"
        f"\\section{{Measurements}}\n\\begin{{tabular}}{{lrr}}\n{table}\\end{{tabular}}\n\n"
        f"{thanks if with_acknowledgement else ''}"
        "\\begin{thebibliography}{9}\n\\bibitem{a} Brennholm Circular 12, 2014\n\\end{thebibliography}\n"
        "\\end{document}\n"
    )


def _prints_address(paper: Paper) -> bool:
    """Whether the manuscript prints the corresponding author's address: four in five do."""
    return not paper.id.endswith(("3", "8"))


def _thanks(email: str) -> str:
    return f"\\thanks{{E-mail: {email}}}"


def eprint_bytes(paper: Paper, *, version: int | None = None) -> bytes:
    """Return the e-print as the archive hands it out (``version`` 1 may lack the acknowledgement)."""
    complete = version != 1 or paper.has_acknowledged_in_first_version
    source = tex_source(paper, with_acknowledgement=complete).encode()
    if paper.eprint == "pdf":
        return write_pdf(plain_lines(paper, with_acknowledgement=complete))
    if paper.eprint == "broken_pdf":
        return write_pdf(plain_lines(paper))[:420] + b"\nendstream endobj %%EOF"
    if paper.eprint == "gz":
        return gzip.compress(source, 9, mtime=0)
    members = [("ms.tex", source), ("figures/README.txt", b"Figures are left out of this sample.\n")]
    if paper.eprint == "tar_escape":
        members.insert(0, ("../../outside/escaped.tex", b"This file must never be written outside the archive.\n"))
    if paper.eprint == "bomb":
        return _bomb(source)
    return gzip.compress(_tar(members), 9, mtime=0)


def _tar(members: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, body in members:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return buffer.getvalue()


def _bomb(source: bytes) -> bytes:
    """Return a small gzip whose tar holds the manuscript and one member of nothing but zeros."""
    head = _tar([("ms.tex", source)])[: 512 + -(-len(source) // 512) * 512]
    info = tarfile.TarInfo("zeros.tex")
    info.size = BOMB_BYTES
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    step = bytes(1024**2)
    parts = [packer.compress(head + info.tobuf(tarfile.USTAR_FORMAT))]
    parts += [packer.compress(step) for _ in range(BOMB_BYTES // len(step))]
    parts.append(packer.compress(bytes(1024)) + packer.flush())
    return b"".join(parts)
