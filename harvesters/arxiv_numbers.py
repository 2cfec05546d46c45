"""Single preprints from arXiv's API by their numbers (``id_list``): what a person asks for by hand.

A number that arXiv does not have is left out of its answer without a word; so is every number in a bad minute of its
index. An answer with nothing in it is therefore asked for once more before it is believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harvesters.arxiv import stop_if_forbidden
from harvesters.arxiv_atom import parse_feed, read_entries, total_results
from harvesters.arxiv_ids import IDENTIFIER
from harvesters.errors import PageRefused, naming
from harvesters.http import PoliteSession
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedRecord, Refusal

MOST = 100
"""Numbers in one request; an address must not grow past what servers take."""

_TRIES = 2


class ArxivNumbers:
    """The records of some preprints, one page for each ``MOST`` of them. Its pages are read like any of arXiv's API."""

    name = "arxiv"

    def __init__(
        self, session: PoliteSession, numbers: Sequence[str], *, base_url: str = "https://export.arxiv.org"
    ) -> None:
        for number in numbers:
            if not IDENTIFIER.fullmatch(number):
                raise ValueError(f"{number[:40]!r} is no arXiv number")
        self._session = session
        self._numbers = tuple(dict.fromkeys(numbers))
        self._url = f"{base_url.rstrip('/')}/api/query"

    def pages(self, _cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield the answers. Raises ``PageRefused`` where arXiv's answer cannot be read, ``SourceStopped`` for none."""
        for start in range(0, len(self._numbers), MOST):
            yield self._page(self._numbers[start : start + MOST], is_last=start + MOST >= len(self._numbers))

    def _page(self, numbers: Sequence[str], *, is_last: bool) -> Page:
        place = f"arXiv {', '.join(numbers[:3])}{f' and {len(numbers) - 3} more' if len(numbers) > 3 else ''}"
        for attempt in range(1, _TRIES + 1):
            with naming(place):
                asked: dict[str, str | int] = {"id_list": ",".join(numbers), "max_results": len(numbers)}
                response = self._session.get(self._url, params=asked)
            stop_if_forbidden(response.status_code)
            if response.status_code != 200:
                raise PageRefused(f"{place}: status {response.status_code}")
            content_type = response.headers.get("Content-Type", "")
            promised = total_results(parse_feed(response.content, content_type, place), place)
            if promised or attempt == _TRIES:
                break
        return Page(self.name, place, response.content, content_type, {}, is_last, promised=promised)

    def parse(self, page: Page) -> ParsedPage:
        """Read one answer. Raises ``PageRefused`` for HTML, error feeds, broken XML and feeds without a total."""
        feed = parse_feed(page.body, page.content_type, page.place)
        unread: set[str] = set()
        entries = list(read_entries(feed, self.name, page.place, unread))
        records = tuple(entry for entry in entries if isinstance(entry, HarvestedRecord))
        refusals = [entry for entry in entries if isinstance(entry, Refusal)]
        if page.promised is not None and len(entries) < page.promised:
            missing = page.promised - len(entries)
            refusals.append(
                Refusal(self.name, page.place, f"{missing} of {page.promised} promised entries are missing")
            )
        return ParsedPage(records, refusals=tuple(refusals), unread_fields=tuple(sorted(unread)))
