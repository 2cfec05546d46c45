"""arXiv as the replay server plays it: Atom queries, OAI-PMH in ``arXivRaw``, and e-prints (RSS: ``replay_rss``)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from demo.replay_query import Node, QueryError, Range, Term, contains, matches, parse, words_of

Json = dict[str, Any]

ATOM = "application/atom+xml; charset=utf-8"
XML = "text/xml; charset=utf-8"
MAX_SLICE = 2_000
MAX_RESULTS = 30_000
OAI_PAGE = 120
_IDENTIFIER = re.compile(r"((?:[a-z-]+(?:\.[A-Z]{2})?/\d{7})|(?:\d{4}\.\d{4,5}))(?:v(\d+))?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire; ``records`` says how many records the body holds (faults strike only where some are)."""

    status: int
    content_type: str
    body: bytes
    records: int = 0
    headers: tuple[tuple[str, str], ...] = ()


class Preprint:
    """One arXiv record that can be searched and written out."""

    def __init__(self, facts: Json) -> None:
        self.facts = facts
        self.id: str = facts["id"]
        self.versions: list[Json] = facts["versions"]
        self.updated: str = self.versions[-1]["date"]
        self.submitted: str = self.versions[0]["date"]
        named = {"ti": facts["title"], "abs": facts["abstract"], "au": ", ".join(facts["authors"])}
        named |= {"co": facts["comment"] or "", "jr": facts["journal_ref"] or "", "id": self.id}
        self._words = {name: words_of(text) for name, text in named.items()}
        self._words["all"] = "".join(self._words.values())

    def has(self, term: Term) -> bool:
        """Match one term; an unknown field matches nothing, as at arXiv."""
        if term.field == "cat":
            wanted = term.text.lower()
            prefix = wanted.endswith("*")
            names = [category.lower() for category in self.facts["categories"]]
            return any(name.startswith(wanted[:-1]) if prefix else name == wanted for name in names)
        return contains(self._words.get(term.field or "all", ""), term)

    def within(self, span: Range) -> bool:
        """Match a range of ``submittedDate`` or ``lastUpdatedDate``, written ``YYYYMMDD[HHMM]``."""
        stamp = self.submitted if span.field == "submittedDate" else self.updated
        minute = stamp[0:4] + stamp[5:7] + stamp[8:10] + stamp[11:13] + stamp[14:16]
        low = "" if span.low == "*" else span.low
        high = "9" if span.high == "*" else span.high.ljust(12, "9")
        return low <= minute <= high


class Arxiv:
    """The folder's preprints behind arXiv's doors, as they stood at the end of a day."""

    def __init__(self, folder: Path, day: date) -> None:
        lines = (folder / "papers" / "arxiv.jsonl").read_text("utf-8").splitlines()
        self._stored: list[Json] = [json.loads(line) for line in lines]
        self._eprints = folder / "papers" / "eprints"
        self.preprints: list[Preprint] = []
        self._by_id: dict[str, Preprint] = {}
        self._kept: tuple[tuple[str, ...], list[tuple[Preprint, int]]] = (), []
        self.show(day)

    def show(self, day: date) -> None:
        """Know only what was submitted by ``day``; a later version has not come yet, nor what it brought."""
        self.day = day
        self._now = f"{day.isoformat()}T23:59:59Z"
        self.preprints = [Preprint(facts) for stored in self._stored if (facts := _as_of(stored, self._now))]
        self._by_id = {preprint.id: preprint for preprint in self.preprints}
        self._kept = (), []

    def query(self, parameters: Mapping[str, str]) -> Answer:
        """Answer ``/api/query``: ``search_query``, ``id_list``, ``start``, ``max_results``, ``sortBy``, ``sortOrder``."""
        try:
            start, size = int(parameters.get("start") or 0), int(parameters.get("max_results") or 10)
            if start < 0 or not 0 <= size <= MAX_SLICE or start + size > MAX_RESULTS:
                raise QueryError(f"max_results must be at most {MAX_SLICE} and the last result below {MAX_RESULTS}")
            found = self._sorted(parameters)
        except (ValueError, QueryError) as wrong:
            return self._error(str(wrong))
        page = found[start : start + size]
        return Answer(200, ATOM, self._feed(parameters, page, (start, size, len(found))).encode(), len(page))

    def _sorted(self, parameters: Mapping[str, str]) -> list[tuple[Preprint, int]]:
        """What a query finds, in its order; kept from page to page."""
        asked = tuple(parameters.get(name, "") for name in ("search_query", "id_list", "sortBy", "sortOrder"))
        kept, found = self._kept
        if kept != asked:
            found = self._find(parameters)
            keys = {"lastUpdatedDate": lambda pair: pair[0].updated, "submittedDate": lambda pair: pair[0].submitted}
            key = keys.get(parameters.get("sortBy", ""))
            if key:
                found.sort(key=lambda pair: (key(pair), pair[0].id), reverse=parameters.get("sortOrder") != "ascending")
            self._kept = asked, found
        return found

    def _find(self, parameters: Mapping[str, str]) -> list[tuple[Preprint, int]]:
        tree: Node | None = parse(parameters["search_query"]) if parameters.get("search_query") else None
        if not parameters.get("id_list"):
            if tree is None:
                return []
            return [(p, len(p.versions)) for p in self.preprints if matches(tree, p)]
        found = []
        for name in parameters["id_list"].split(","):
            parts = _IDENTIFIER.fullmatch(name.strip())
            if parts is None:
                raise QueryError(f"incorrect id format for {name}")
            preprint = self._by_id.get(parts[1])
            if preprint is None or (tree is not None and not matches(tree, preprint)):
                continue
            version = int(parts[2] or len(preprint.versions))
            if version <= len(preprint.versions):
                found.append((preprint, version))
        return found

    def _feed(
        self, parameters: Mapping[str, str], page: Iterable[tuple[Preprint, int]], counts: tuple[int, int, int]
    ) -> str:
        start, size, total = counts
        asked = f"search_query={parameters.get('search_query', '')}&id_list={parameters.get('id_list', '')}"
        return (
            "<?xml version='1.0' encoding='UTF-8'?>\n"
            '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" '
            'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">\n'
            "  <id>https://arxiv.org/api/replay</id>\n"
            f"  <title>arXiv Query: {escape(asked)}</title>\n"
            f"  <updated>{self._now}</updated>\n"
            f"  <opensearch:itemsPerPage>{size}</opensearch:itemsPerPage>\n"
            f"  <opensearch:totalResults>{total}</opensearch:totalResults>\n"
            f"  <opensearch:startIndex>{start}</opensearch:startIndex>\n"
            f"{''.join(_entry(preprint, version) for preprint, version in page)}</feed>\n"
        )

    def _error(self, message: str) -> Answer:
        address = f"https://arxiv.org/api/errors#{re.sub(r'[^A-Za-z0-9]+', '_', message)}"
        body = (
            "<?xml version='1.0' encoding='UTF-8'?>\n"
            '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns="http://www.w3.org/2005/Atom">\n'
            f"  <id>https://arxiv.org/</id>\n  <title>arXiv Search Results</title>\n  <updated>{self._now}</updated>\n"
            "  <opensearch:itemsPerPage>1</opensearch:itemsPerPage>\n"
            "  <opensearch:totalResults>1</opensearch:totalResults>\n"
            "  <opensearch:startIndex>0</opensearch:startIndex>\n"
            f"  <entry>\n    <id>{address}</id>\n    <title>Error</title>\n    <updated>{self._now}</updated>\n"
            f"    <summary>{escape(message)}</summary>\n"
            "    <author>\n      <name>arXiv api core</name>\n    </author>\n  </entry>\n</feed>\n"
        )
        return Answer(400, ATOM, body.encode())

    def eprint(self, name: str) -> Answer:
        """Answer ``/e-print/ID[vN]`` and ``/src/ID[vN]`` with the bytes the authors sent."""
        parts = _IDENTIFIER.fullmatch(name)
        preprint = self._by_id.get(parts[1]) if parts else None
        if parts is None or preprint is None or preprint.facts["eprint"] is None:
            return Answer(404, "text/html; charset=utf-8", b"<html><body><h1>No source available</h1></body></html>")
        version = int(parts[2] or len(preprint.versions))
        if version > len(preprint.versions):
            return Answer(404, "text/html; charset=utf-8", b"<html><body><h1>No such version</h1></body></html>")
        early = preprint.facts["eprint_v1"] if version == 1 else None
        file = early or preprint.facts["eprint"]
        label = (("Content-Disposition", f'attachment; filename="arXiv-{parts[1]}v{version}.{file.split(".", 2)[2]}"'),)
        return Answer(200, preprint.facts["content_type"], (self._eprints / file).read_bytes(), 1, label)

    def oai(self, parameters: Mapping[str, str]) -> Answer:
        """Answer OAI-PMH 2.0: Identify, ListMetadataFormats, ListSets, GetRecord and lists of ``arXivRaw``."""
        verb = parameters.get("verb", "")
        if verb == "Identify":
            return self._oai(parameters, _IDENTIFY)
        if verb == "ListMetadataFormats":
            return self._oai(parameters, _FORMATS)
        if verb == "ListSets":
            return self._oai(parameters, _SETS)
        if verb in ("ListRecords", "ListIdentifiers"):
            return self._list_records(parameters)
        if verb == "GetRecord":
            preprint = self._by_id.get(parameters.get("identifier", "").rpartition(":")[2])
            if preprint is None:
                return self._oai(parameters, '<error code="idDoesNotExist">No such identifier</error>')
            return self._oai(parameters, f"<GetRecord>{_raw(preprint)}</GetRecord>", 1)
        return self._oai(parameters, '<error code="badVerb">Illegal verb</error>')

    def _list_records(self, parameters: Mapping[str, str]) -> Answer:
        """The records of a list, or their headers alone."""
        verb, written = ("ListRecords", _raw) if parameters["verb"] == "ListRecords" else ("ListIdentifiers", _header)
        offset, wanted = 0, dict(parameters)
        if "resumptionToken" in parameters:
            try:
                state = json.loads(base64.urlsafe_b64decode(parameters["resumptionToken"]))
                offset, wanted = int(state.pop("offset")), {str(key): str(value) for key, value in state.items()}
            except (ValueError, KeyError, AttributeError):
                return self._oai(parameters, '<error code="badResumptionToken">Token is invalid or expired</error>')
        if wanted.get("metadataPrefix") != "arXivRaw":
            return self._oai(parameters, '<error code="cannotDisseminateFormat">Use arXivRaw</error>')
        low, high = wanted.get("from", ""), wanted.get("until", "9")
        found = [p for p in self.preprints if low[:10] <= p.updated[:10] <= (high[:10] if high != "9" else "9")]
        found = [p for p in found if _in_set(p, wanted.get("set", ""))]
        found.sort(key=lambda p: (p.updated[:10], p.id))
        if not found:
            return self._oai(parameters, '<error code="noRecordsMatch">Nothing matches</error>')
        page = found[offset : offset + OAI_PAGE]
        token = ""
        if offset + OAI_PAGE < len(found):
            state = {name: wanted[name] for name in ("metadataPrefix", "from", "until", "set") if name in wanted}
            raw = base64.urlsafe_b64encode(json.dumps(state | {"offset": offset + OAI_PAGE}).encode()).decode()
            tomorrow = self.day + timedelta(days=1)
            token = f"<resumptionToken expires='{tomorrow}T00:00:00Z'>{raw}</resumptionToken>"  # arXiv's name for it
        elif offset:
            token = "<resumptionToken/>"
        return self._oai(parameters, f"<{verb}>{''.join(map(written, page))}{token}</{verb}>", len(page))

    def _oai(self, parameters: Mapping[str, str], content: str, records: int = 0) -> Answer:
        asked = "".join(f" {name}={quoteattr(value)}" for name, value in parameters.items() if name.isalpha())
        if "<error" in content:
            asked = ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
            f"<responseDate>{self._now}</responseDate>\n<request{asked}>https://oaipmh.arxiv.org/oai</request>\n"
            f"{content}\n</OAI-PMH>\n"
        )
        return Answer(200, XML, body.encode(), records)


def _as_of(facts: Json, now: str) -> Json | None:
    versions = [version for version in facts["versions"] if version["date"] <= now]
    if len(versions) in (0, len(facts["versions"])):
        return facts if versions else None
    return facts | {"versions": versions, "comment": None, "journal_ref": None, "doi": None}


def _in_set(preprint: Preprint, wanted: str) -> bool:
    """OAI sets are ``group:archive:CATEGORY``; all the demo's papers are of physics:astro-ph."""
    if not wanted or wanted == "physics":
        return True
    names = [f"physics:{name.replace('.', ':')}" for name in preprint.facts["categories"]]
    return any(name == wanted or name.startswith(f"{wanted}:") for name in names)


def _entry(preprint: Preprint, version: int) -> str:
    facts, name = preprint.facts, f"{preprint.id}v{version}"
    lines = [
        "  <entry>",
        f"    <id>http://arxiv.org/abs/{name}</id>",
        f"    <title>{escape(facts['title'])}</title>",
        f"    <updated>{preprint.versions[version - 1]['date']}</updated>",
        f'    <link href="https://arxiv.org/abs/{name}" rel="alternate" type="text/html"/>',
        f'    <link href="https://arxiv.org/pdf/{name}" rel="related" type="application/pdf" title="pdf"/>',
        f"    <summary>{escape(facts['abstract'])}</summary>",
    ]
    scheme = "http://arxiv.org/schemas/atom"
    lines += [f'    <category term="{category}" scheme="{scheme}"/>' for category in facts["categories"]]
    lines.append(f"    <published>{preprint.submitted}</published>")
    for tag, value in (("comment", "comment"), ("journal_ref", "journal_ref"), ("doi", "doi")):
        if facts[value]:
            lines.append(f"    <arxiv:{tag}>{escape(facts[value])}</arxiv:{tag}>")
    lines.append(f'    <arxiv:primary_category term="{facts["categories"][0]}"/>')
    for author in facts["authors"]:
        lines += ["    <author>", f"      <name>{escape(author)}</name>", "    </author>"]
    return "\n".join([*lines, "  </entry>\n"])


def _header(preprint: Preprint) -> str:
    sets = dict.fromkeys(f"physics:{name.replace('.', ':')}" for name in preprint.facts["categories"])
    return (
        f"<header><identifier>oai:arXiv.org:{preprint.id}</identifier><datestamp>{preprint.updated[:10]}</datestamp>"
        f"{''.join(f'<setSpec>{name}</setSpec>' for name in sets)}</header>"
    )


def _raw(preprint: Preprint) -> str:
    facts = preprint.facts
    versions = "".join(
        f'<version version="v{v["version"]}"><date>{_rfc_date(v["date"])}</date><size>{v["size"]}</size></version>'
        for v in preprint.versions
    )
    extra = "".join(
        f"<{tag}>{escape(facts[key])}</{tag}>"
        for tag, key in (("comments", "comment"), ("journal-ref", "journal_ref"), ("doi", "doi"))
        if facts[key]
    )
    return (
        f"<record>{_header(preprint)}<metadata>"
        f'<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>{preprint.id}</id>'
        f"<submitter>{escape(facts['submitter'])}</submitter>{versions}<title>{escape(facts['title'])}</title>"
        f"<authors>{escape(', '.join(facts['authors']))}</authors>"
        f"<categories>{' '.join(facts['categories'])}</categories>{extra}"
        f"<license>{facts['license']}</license><abstract>  {escape(facts['abstract'])}\n</abstract></arXivRaw>"
        "</metadata></record>\n"
    )


def _rfc_date(stamp: str) -> str:
    return datetime.fromisoformat(stamp).strftime("%a, %d %b %Y %H:%M:%S GMT")


_IDENTIFY = (
    "<Identify><repositoryName>arXiv</repositoryName><baseURL>https://oaipmh.arxiv.org/oai</baseURL>"
    "<protocolVersion>2.0</protocolVersion><adminEmail>replay@example.org</adminEmail>"
    "<earliestDatestamp>2005-09-16</earliestDatestamp><deletedRecord>persistent</deletedRecord>"
    "<granularity>YYYY-MM-DD</granularity></Identify>"
)
_FORMATS = (
    "<ListMetadataFormats><metadataFormat><metadataPrefix>arXivRaw</metadataPrefix>"
    "<schema>http://arxiv.org/OAI/arXivRaw.xsd</schema>"
    "<metadataNamespace>http://arxiv.org/OAI/arXivRaw/</metadataNamespace></metadataFormat></ListMetadataFormats>"
)
_SETS = (
    "<ListSets><set><setSpec>physics</setSpec><setName>Physics</setName></set>"
    "<set><setSpec>physics:astro-ph</setSpec><setName>Astrophysics</setName></set></ListSets>"
)
