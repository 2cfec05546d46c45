"""Real lists of other libraries: every row is read or refused with its number."""

from __future__ import annotations

import json
from pathlib import Path

from biblio.catalogue.identity import identifiers, normal_bibcode
from biblio.catalogue.listed import codes_in
from biblio.catalogue.papers import plain_record
from biblio.observatory.profile import load
from harvesters.formats import format_of
from harvesters.protocol import ParsedPage
from matching.codes import Grammar


def read(path: Path) -> list[ParsedPage]:
    """Every page of a file, parsed."""
    source = format_of(path).source(path, name="real")
    return [source.parse(page) for page in source.pages({})]


def test_the_kepler_bibliography_is_read_whole(real_data: Path) -> None:
    """Thousands of rows without a header: each is a paper by its bibcode, and its further cells are kept."""
    for name in ("kpub-export", "known-bibcodes", "k2-categories"):
        path = real_data / "other_bibliographies" / f"kpub__{name}.csv"
        lines = path.read_text("utf-8").splitlines()
        records = [record for page in read(path) for record in page.records]
        assert len(records) == len(lines)
        assert [r.extra["column 2"] for r in records][:5] == [line.split(",")[1] for line in lines[:5]]
        assert all(identifiers(plain_record(record)) for record in records)


def test_known_links_survive_the_way_through_a_telbib_table(real_data: Path, tmp_path: Path) -> None:
    """Every real pair of code and bibcode comes out of the cells in which telbib would write them."""
    rows = [json.loads(line) for line in (real_data / "known_links.jsonl").read_text("utf-8").splitlines()]
    wanted = {(row["code"], code) for row in rows if (code := normal_bibcode(row.get("bibcode")))}
    of_paper: dict[str, list[str]] = {}
    for code, bibcode in sorted(wanted):
        of_paper.setdefault(bibcode, []).append(f"  {code} : North America")
    table = tmp_path / "telbib.csv"
    cells = "".join(f'{bibcode},"{" ".join(codes)}, Partner"\n' for bibcode, codes in of_paper.items())
    table.write_text(f"bibcode,programid\n{cells}", encoding="utf-8")
    grammar = Grammar.from_plain(load("alma").codes)
    found = {
        (code, str(record.bibcode))
        for page in read(table)
        for record in page.records
        for code in codes_in(record.extra["programid"], grammar)[0]
    }
    assert len(wanted) > 50
    assert found == wanted
