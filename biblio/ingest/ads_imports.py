"""Libraries and bibgroups of ADS as lists to import: which papers are in them, then what ADS says of those.

A library is kept as a list of its own, with the bibcodes that became others since (preprint → article), so that it can
be parsed again and its unknown papers are not lost; the records themselves come from ADS like any other. A bibgroup is a
search of ADS, whose records say that they belong to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import col

from biblio.errors import RequestRefused
from biblio.ingest.harvest import ask
from biblio.ingest.importing import FileSource
from biblio.ingest.sources import ADS_LEFT_OUT, plan_refresh, polite_session
from biblio.jobs import JobContext
from biblio.runtime import Runtime
from biblio.store.models import SourceRecord
from harvesters.ads_lists import LibraryList, is_bibcode, library_bibcodes
from harvesters.errors import SourceStopped
from harvesters.files import PapersFile
from harvesters.http import PoliteSession
from harvesters.protocol import Page

_BIBGROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9 /_.&-]{0,60}")
_NAMED_UPDATES = 10


class AdsLibrary(PapersFile):
    """The papers of one library of ADS, a row each: its bibcode today and those it had before."""

    def __init__(self, runtime: Runtime, session: PoliteSession, library_id: str, name: str | None) -> None:
        super().__init__(Path(library_id), name=name or "library-of-ads", label=f"ADS library {library_id}")
        self._runtime, self._session, self._id = runtime, session, library_id
        self.listed: LibraryList | None = None

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Fetch the library and yield it as one page. Raises ``PageRefused`` or ``SourceStopped`` as ADS answers."""
        if cursor.get("done"):
            return
        settings = self._runtime.settings
        token = settings.ads_token.get_secret_value() if settings.ads_token else None
        self.listed = library_bibcodes(self._session, self._id, token, settings.ads_url)
        before = self._told_before()
        for old, new in self.listed.updates.items():
            if old not in before.setdefault(new, []):
                before[new].append(old)
        rows = [
            {"bibcode": code, "year": int(code[:4])} | ({"alternate_bibcodes": before[code]} if code in before else {})
            for code in self.listed.bibcodes
            if is_bibcode(code)
        ]
        body = "\n".join(json.dumps(row) for row in rows).encode()
        yield self._page(body, f"{self._label} ({self.listed.name})", {"done": True}, is_last=True)

    def _told_before(self) -> dict[str, list[str]]:
        """Return the older bibcodes that this list has for its papers: ADS tells of a changed bibcode once."""
        with self._runtime.store.reading() as session:
            rows = session.execute(
                sa.select(col(SourceRecord.key), col(SourceRecord.record)).where(
                    col(SourceRecord.source) == self.name, col(SourceRecord.superseded_at).is_(None)
                )
            )
            return {key: list(record.get("alternate_bibcodes", ())) for key, record in rows}

    def finish(self, context: JobContext) -> None:
        """Say what became of bibcodes, and ask ADS for the records of the papers."""
        listed = self.listed
        if listed is None:
            return
        context.count("listed", len(listed.bibcodes))
        if listed.updates:
            named = ", ".join(f"{old} is now {new}" for old, new in list(listed.updates.items())[:_NAMED_UPDATES])
            context.count("bibcodes_updated", len(listed.updates))
            context.note(f"{len(listed.updates)} bibcodes of {listed.name} became others: {named}.")
        if listed.unknown:
            context.note(f"ADS has no record of {len(listed.unknown)}: {', '.join(listed.unknown[:_NAMED_UPDATES])}.")
        wanted = sorted(set(listed.bibcodes) - set(listed.unknown))
        planned = plan_refresh(context.runtime, wanted) if wanted else ADS_LEFT_OUT
        if not isinstance(planned, str):
            words = f"the records of the {len(wanted)} papers in {listed.name}"
            apart = replace(context, counts={})  # the rows of the list are not to be counted once more
            try:
                ask(apart, [replace(one, cursor=f"ads-library {self._id}"[:64], words=words) for one in planned])
            finally:
                for name, value in apart.counts.items():
                    if name != "ads_records":  # the same as "records"
                        context.count(f"from_ads_{name}", value)


def library_file(runtime: Runtime, library_id: str, name: str | None) -> FileSource:
    """Return a library of ADS, by its id or address, as a list to import. Raises ``RequestRefused`` without a token."""
    _need_token(runtime)
    identifier = library_id.strip().rstrip("/").rpartition("/")[2]
    session = polite_session(runtime, "ads")
    source = AdsLibrary(runtime, session, identifier, name)
    return FileSource(source, f"ADS library {identifier}", finish=source.finish, asked=session)


def bibgroup_file(runtime: Runtime, bibgroup: str) -> FileSource:
    """Return a bibgroup of ADS as a list to import. Raises ``RequestRefused`` for a name that is none, or no token."""
    from harvesters.ads import AdsQuery, AdsSource

    _need_token(runtime)
    if not _BIBGROUP.fullmatch(bibgroup):
        raise RequestRefused(
            f"{bibgroup[:40]!r} is no bibgroup; its name has letters, figures and a few signs such as /."
        )
    settings = runtime.settings
    assert settings.ads_token is not None
    session = polite_session(runtime, "ads")
    query = AdsQuery({"bibgroup": f'bibgroup:"{bibgroup}"'}, runtime.clock.today(), accepts_nothing=True)

    class Bibgroup(AdsSource):
        """The search for one bibgroup, of which nothing found means that there is none of this name."""

        def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
            """Yield the answers of ADS. Raises ``SourceStopped`` where there is no paper."""
            for page in super().pages(cursor):
                if not page.promised:
                    raise SourceStopped(
                        f"ADS has no paper in a bibgroup called {bibgroup!r}. Check the name, capitals included: the filter "
                        "“Bibgroups” beside any search on ADS's own page lists them"
                    )
                yield page

    source = Bibgroup(session, query, token=settings.ads_token.get_secret_value(), base_url=settings.ads_url)
    return FileSource(source, f"ADS bibgroup {bibgroup}", asked=session)


def _need_token(runtime: Runtime) -> None:
    if runtime.settings.ads_token is None:
        raise RequestRefused(
            "ADS gives its lists with a token only. Make one at https://ui.adsabs.harvard.edu/user/settings/token and set "
            "BIBLIO_ADS_TOKEN."
        )
