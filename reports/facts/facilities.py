"""Which other observatories' data a paper used, as far as their own bibliographies say.

The source is ADS's field ``bibgroup``, kept with every record of ADS and in a column beside it: the names of the bibliographies that librarians
of other observatories put the paper into after reading it. What papers themselves name is no such source: they name
telescopes that they did not use. So a paper in no such bibliography is not known to have used others, which is not the
same as known to have used none; papers that ADS has never described are in the same case.

``facilities.toml`` has what each name stands for. Institutes' and subjects' groups, and names that it does not know,
say nothing; nor do groups that hold our own papers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.observatory import Profile
from biblio.store.models import SourceRecord
from reports.facts.reading_links import End, Merges
from reports.facts.reading_rows import among

_FILE = Path(__file__).with_name("facilities.toml")


@dataclass(frozen=True, slots=True)
class Facility:
    """One observatory as bibliographies name it. ``holds_also``: see ``facilities.toml``."""

    name: str
    bibgroups: tuple[str, ...]
    holds_also: tuple[str, ...] = ()


@cache
def facilities() -> tuple[Facility, ...]:
    """Return what is known of bibliographies, by name."""
    listed = tomllib.loads(_FILE.read_text(encoding="utf-8"))["facilities"]
    return tuple(
        Facility(one["name"], tuple(one["bibgroups"]), tuple(one.get("holds_also", ())))
        for one in sorted(listed, key=lambda one: str(one["name"]))
    )


def facilities_of(bibgroups: Iterable[str], own: str | None) -> tuple[str, ...]:
    """Return the other observatories that these bibliographies stand for, sorted, each once.

    ``own`` is our own bibliography in ADS, where there is one: it is no other's.
    """
    listed = frozenset(bibgroups)
    theirs = listed if own is None else listed | {own}
    return tuple(
        one.name
        for one in facilities()
        if listed.intersection(one.bibgroups) and own not in one.bibgroups and theirs.isdisjoint(one.holds_also)
    )


def read_facilities(
    session: Session, end: End, merges: Merges, wanted: Collection[int], profile: Profile
) -> Mapping[int, tuple[str, ...]]:
    """Return the other observatories by paper (survivors' ids), as known on the day; only papers that have any.

    Papers that were one are in the bibliographies of all of them.
    """
    record = SourceRecord
    rows: Any = session.connection().execute(
        sa.select(col(record.paper_id), col(record.bibgroups)).where(
            col(record.bibgroups).is_not(None),
            end.holds(col(record.learned_at), col(record.superseded_at)),
            among(session, col(record.paper_id), merges.members(wanted)),
        )
    )
    groups: dict[int, set[str]] = {}
    for paper, listed in rows:
        root = merges.root(paper)
        if root in wanted:
            groups.setdefault(root, set()).add(listed)
    own = profile.harvest.ads_bibgroup
    known: dict[frozenset[str], tuple[str, ...]] = {}
    found = {}
    for paper in sorted(groups):
        names = frozenset(groups[paper])
        if names not in known:
            each = (name.strip() for listed in names for name in listed.split(";"))
            known[names] = facilities_of(each, own)
        if known[names]:
            found[paper] = known[names]
    return found
