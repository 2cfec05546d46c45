"""ADS libraries as the replay server plays them: lists of bibcodes, of which some have changed since, and one to write.

Kept from the real service (adsabs/biblib-service): 20 rows by default and 100 at most, ``raw`` gives the list as it is
stored, else the canonical bibcodes of what the index holds; old bibcodes met on the way are replaced in the library and
told under ``updates``, once; what is not there is status 410, what is private 403. What is to be added is looked up
first: what the index does not hold is not added and named, and where nothing is left the status is 400.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

LIBRARY = "kDemoLibraryOfPapers01"
PRIVATE = "kDemoLibraryOfOthers01"
WRITABLE = "kDemoLibraryOfBiblio01"
"""Empty at first; whoever has a token may write it."""
UNKNOWN_BIBCODE = "2016Nowhe...1....1X"
"""In the library, and in no index."""

MAX_ROWS = 100
DEFAULT_ROWS = 20
_OLD = 12
"""How many papers the library still holds under the bibcode of their preprint."""

_GONE = 410, {"error": "Library specified does not exist."}, 0
_FORBIDDEN = 403, {"error": "You do not have the correct permissions or the library does not exist."}, 0
_NAMES = {LIBRARY: ("Papers with demo data", "read"), WRITABLE: ("Papers pushed by the demo", "write")}


class Libraries:
    """A public library with the papers of the bibgroup, one that can be written, and one that is somebody else's."""

    def __init__(self) -> None:
        self._stored: dict[str, list[str]] = {LIBRARY: [], WRITABLE: []}
        self._canonical: dict[str, str] = {}

    def show(self, documents: Sequence[Json]) -> None:
        """Hold the papers among ``documents``, the first of them under old bibcodes, the very first under both.

        What was written stays, under whatever bibcode the papers have now.
        """
        ours = sorted((d for d in documents if "ALMA" in d["bibgroup"]), key=lambda d: str(d["bibcode"]))
        moved = [d for d in ours if d["alternate_bibcode"]][:_OLD]
        old: dict[str, str] = {d["bibcode"]: d["alternate_bibcode"][0] for d in moved}
        codes = [str(document["bibcode"]) for document in ours]
        stored = [old.get(code, code) for code in codes]
        self._stored[LIBRARY] = stored + ([*list(old)[:1], UNKNOWN_BIBCODE] if ours else [])
        self._canonical = {str(d["bibcode"]): str(d["bibcode"]) for d in documents}
        self._canonical |= {str(code): str(d["bibcode"]) for d in documents for code in d["alternate_bibcode"]}

    def held(self, library: str = WRITABLE) -> list[str]:
        """Return what is stored in a library, in order of bibcodes."""
        return sorted(self._stored[library])

    def put(self, library: str, bibcodes: Sequence[str]) -> None:
        """Let somebody else have written a library."""
        self._stored[library] = list(bibcodes)

    def answer(self, library: str, parameters: Mapping[str, Sequence[str]]) -> tuple[int, Json, int]:
        """Return status, answer and number of entries for ``library``; "" lists those the token's owner has."""
        if library == "":
            return 200, {"libraries": [self._about(known) for known in _NAMES]}, len(_NAMES)
        if library == PRIVATE:
            return _FORBIDDEN
        if library not in self._stored:
            return _GONE
        asked = {name: values[-1] for name, values in parameters.items()}
        start, rows = int(asked.get("start") or 0), min(int(asked.get("rows") or DEFAULT_ROWS), MAX_ROWS)
        about, stored = self._about(library), self._stored[library]
        if asked.get("raw", "").lower() == "true":
            page = sorted(stored)[start : start + rows]
            solr = "Only the raw library was requested."
            return 200, {"documents": page, "solr": solr, "metadata": about, "updates": {}}, len(page)
        found = sorted({self._canonical[code] for code in stored if code in self._canonical})
        page = found[start : start + rows]
        answer = {
            "documents": page,
            "solr": {
                "response": {"numFound": len(found), "start": start, "docs": [{"bibcode": code} for code in page]}
            },
            "metadata": about,
            "updates": self._update(library, set(page)),
        }
        return 200, answer, len(page)

    def change(self, library: str, body: bytes) -> tuple[int, Json, int]:
        """Add bibcodes to a library or remove them; return status, answer and how many were sent."""
        if library not in self._stored:
            return _FORBIDDEN if library == PRIVATE else _GONE
        if _NAMES[library][1] != "write":
            return _FORBIDDEN
        try:
            told = json.loads(body)
            action, codes = told["action"], [str(code) for code in told["bibcode"]]
        except (ValueError, KeyError, TypeError):
            return 400, {"error": "You passed the wrong type. See the API documentation."}, 0
        stored = self._stored[library]
        if action == "remove":
            kept = [code for code in stored if code not in set(codes)]
            self._stored[library] = kept
            return 200, {"number_removed": len(stored) - len(kept)}, len(codes)
        if action != "add":
            return 400, {}, 0
        unknown = [code for code in codes if code not in self._canonical]
        fresh = [code for code in dict.fromkeys(codes) if code in self._canonical and code not in stored]
        if unknown and len(unknown) == len(codes):
            refused = "No specified identifiers were able to be added."
            return 400, {"error": refused, "invalid_identifiers": unknown}, len(codes)
        self._stored[library] = stored + fresh
        return 200, {"number_added": len(fresh)} | ({"invalid_bibcodes": unknown} if unknown else {}), len(codes)

    def _about(self, library: str) -> Json:
        name, permission = _NAMES[library]
        return {
            "name": name,
            "id": library,
            "description": "Kept by hand",
            "num_documents": len(self._stored[library]),
            "date_created": "2016-01-01T00:00:00.000000",
            "date_last_modified": "2016-01-01T00:00:00.000000",
            "permission": permission,
            "public": True,
            "num_users": 1,
            "owner": "demo.librarian",
        }

    def _update(self, library: str, page: set[str]) -> Json:
        """Replace the old bibcodes of a page's papers in the library and tell which."""
        stored = self._stored[library]
        kept: dict[str, None] = {}
        changes: list[Json] = []
        for code in stored:
            new = self._canonical.get(code, code)
            if new != code and new in page:
                changes.append({code: new})
                kept[new] = None
            else:
                kept[code] = None
        removed = len(stored) - len(kept)
        self._stored[library] = list(kept)
        return {"num_updated": len(changes), "duplicates_removed": removed, "update_list": changes}
