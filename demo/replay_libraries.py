"""ADS libraries as the replay server plays them: lists of bibcodes, of which some have changed since.

Kept from the real service (adsabs/biblib-service): 20 rows by default and 100 at most, ``raw`` gives the list as it is
stored, else the canonical bibcodes of what the index holds; old bibcodes met on the way are replaced in the library and
told under ``updates``, once; what is not there is status 410, what is private 403.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

LIBRARY = "kDemoLibraryOfPapers01"
PRIVATE = "kDemoLibraryOfOthers01"
UNKNOWN_BIBCODE = "2016Nowhe...1....1X"
"""In the library, and in no index."""

MAX_ROWS = 100
DEFAULT_ROWS = 20
_OLD = 12
"""How many papers the library still holds under the bibcode of their preprint."""


class Libraries:
    """One public library with the papers of the bibgroup, and one that belongs to somebody else."""

    def __init__(self) -> None:
        self._stored: list[str] = []
        self._canonical: dict[str, str] = {}

    def show(self, documents: Sequence[Json]) -> None:
        """Hold the papers among ``documents``, the first of them under old bibcodes, the very first under both."""
        ours = sorted((d for d in documents if d["bibgroup"]), key=lambda d: str(d["bibcode"]))
        moved = [d for d in ours if d["alternate_bibcode"]][:_OLD]
        old: dict[str, str] = {d["bibcode"]: d["alternate_bibcode"][0] for d in moved}
        codes = [str(document["bibcode"]) for document in ours]
        self._stored = [old.get(code, code) for code in codes]
        self._stored += [*list(old)[:1], UNKNOWN_BIBCODE] if ours else []
        self._canonical = dict(zip(codes, codes, strict=True)) | {code: new for new, code in old.items()}

    def answer(self, library: str, parameters: Mapping[str, Sequence[str]]) -> tuple[int, Json, int]:
        """Return status, answer and number of entries for ``library``; "" lists those the token's owner has."""
        if library == "":
            return 200, {"libraries": [self._about()]}, 1
        if library == PRIVATE:
            return 403, {"error": "You do not have the correct permissions or the library does not exist."}, 0
        if library != LIBRARY:
            return 410, {"error": "Library specified does not exist."}, 0
        asked = {name: values[-1] for name, values in parameters.items()}
        start, rows = int(asked.get("start") or 0), min(int(asked.get("rows") or DEFAULT_ROWS), MAX_ROWS)
        about = self._about()
        if asked.get("raw", "").lower() == "true":
            page = sorted(self._stored)[start : start + rows]
            solr = "Only the raw library was requested."
            return 200, {"documents": page, "solr": solr, "metadata": about, "updates": {}}, len(page)
        found = sorted({self._canonical[code] for code in self._stored if code in self._canonical})
        page = found[start : start + rows]
        answer = {
            "documents": page,
            "solr": {
                "response": {"numFound": len(found), "start": start, "docs": [{"bibcode": code} for code in page]}
            },
            "metadata": about,
            "updates": self._update(set(page)),
        }
        return 200, answer, len(page)

    def _about(self) -> Json:
        return {
            "name": "Papers with demo data",
            "id": LIBRARY,
            "description": "Kept by hand",
            "num_documents": len(self._stored),
            "date_created": "2016-01-01T00:00:00.000000",
            "date_last_modified": "2016-01-01T00:00:00.000000",
            "permission": "read",
            "public": True,
            "num_users": 1,
            "owner": "demo.librarian",
        }

    def _update(self, page: set[str]) -> Json:
        """Replace the old bibcodes of a page's papers in the library and tell which."""
        kept: dict[str, None] = {}
        changes: list[Json] = []
        for code in self._stored:
            new = self._canonical.get(code, code)
            if new != code and new in page:
                changes.append({code: new})
                kept[new] = None
            else:
                kept[code] = None
        removed = len(self._stored) - len(kept)
        self._stored = list(kept)
        return {"num_updated": len(changes), "duplicates_removed": removed, "update_list": changes}
