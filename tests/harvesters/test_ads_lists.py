"""What ADS's lists promise: records by bibcode, the bibcodes of a library, counts per journal and year."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvesters.ads_lists import AdsBibcodes, LibraryList, expected_counts, is_bibcode, library_bibcodes
from harvesters.ads_records import FIELDS
from harvesters.errors import PageRefused, SourceStopped
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import ParsedPage, Source
from tests.harvesters.servers import QUICK, Asked, Reply, serving

JSON = "application/json; charset=utf-8"
LIBRARY = "kZ3fictionalLibrary_01"


def bibcode(number: int, letter: str = "E") -> str:
    """A fictional bibcode."""
    return f"2100Fict.{number:04d}....1{letter}"


def polite() -> PoliteSession:
    """A session that does not wait."""
    return PoliteSession("ads", LocalPace({}), contact="library@example.org", limits=QUICK)


def reply(value: object, status: int = 200) -> Reply:
    """A JSON answer."""
    return Reply(json.dumps(value).encode(), status, JSON)


def bigquery(documents: Sequence[dict[str, Any]], granted: int = 2_000) -> Callable[[Asked], Reply]:
    """A service that gives those of ``documents`` asked for by bibcode, alternate or not; ``granted`` at a time."""

    def answer(asked: Asked) -> Reply:
        header, *codes = asked.body.decode().split("\n")
        assert header == "bibcode"
        found = [d for d in documents if {d["bibcode"], *d.get("alternate_bibcode", [])} & set(codes)]
        start = int(asked.query.get("start", 0))
        shown = found[start : start + min(int(asked.query.get("rows", 10)), granted)]
        return reply({"responseHeader": {"status": 0}, "response": {"numFound": len(found), "start": 0, "docs": shown}})

    return answer


def source(url: str, codes: Sequence[str], batch: int = 50, token: str | None = "s3cret") -> AdsBibcodes:
    """A source of the records of ``codes``."""
    return AdsBibcodes(polite(), codes, token=token, base_url=f"{url}/v1", batch=batch)


def read(harvester: AdsBibcodes, cursor: dict[str, object] | None = None) -> list[ParsedPage]:
    """Every page, read."""
    return [harvester.parse(page) for page in harvester.pages(cursor or {})]


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 120])
def test_every_known_bibcode_comes_once(count: int) -> None:
    """Batches go on to the end of the list; a bibcode given twice is asked for once."""
    codes = [bibcode(n) for n in range(count)]
    with serving(bigquery([{"bibcode": code, "citation_count": 3} for code in codes])) as server:
        harvester = source(server.url, [*codes, *codes, " "])
        pages = list(harvester.pages({}))
        parsed = [harvester.parse(page) for page in pages]
    assert isinstance(harvester, Source)
    assert [record.key for page in parsed for record in page.records] == codes
    assert [refusal for page in parsed for refusal in page.refusals] == []
    assert len(server.asked) == -(-count // 50)
    assert [page.is_last for page in pages] == [False] * (len(pages) - 1) + [True] * bool(pages)
    assert sum(page.expected or 0 for page in pages) == count


def test_list_is_posted_as_ads_takes_it() -> None:
    """One request with the list in its body, all our fields, more rows than the ten by default, and no highlights."""
    with serving(bigquery([{"bibcode": bibcode(1)}])) as server:
        read(source(server.url, [bibcode(1), bibcode(2)]))
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/v1/search/bigquery")
    assert asked.headers["Content-Type"] == "big-query/csv"
    assert asked.headers["Authorization"] == "Bearer s3cret"
    assert asked.body.decode() == f"bibcode\n{bibcode(1)}\n{bibcode(2)}"
    assert asked.query["fl"] == ",".join(("id", *FIELDS))
    assert (asked.query["q"], asked.query["fq"], asked.query["rows"]) == ("*:*", "{!bitset}", "2000")
    assert not [name for name in asked.query if name.startswith("hl")]


def test_changed_bibcode_is_found_and_unknown_one_refused_under_itself() -> None:
    """The preprint's bibcode leads to the article; what ADS does not know, and what is no bibcode, is named."""
    old, gone = "2100arXiv210100001E", bibcode(9)
    known = [{"bibcode": bibcode(1), "alternate_bibcode": [old], "identifier": [old, "10.1000/a"]}]
    with serving(bigquery(known)) as server:
        (parsed,) = read(source(server.url, [old, gone, "not a bibcode\n2100"]))
    assert [(record.key, record.alternate_bibcodes) for record in parsed.records] == [(bibcode(1), (old,))]
    assert [(refusal.key, refusal.reason) for refusal in parsed.refusals] == [
        (gone, "ADS has no record under this bibcode"),
        ("'not a bibcode\\n2100'", "is no bibcode (19 signs, a year first)"),
    ]
    assert b"not a bibcode" not in server.asked[0].body


def test_refresh_goes_on_from_every_batch() -> None:
    """Whichever page was the last one stored, the rest follows and nothing twice; another list begins anew."""
    codes = [bibcode(n) for n in range(230)]
    with serving(bigquery([{"bibcode": code} for code in codes[:-1]])) as server:
        harvester = source(server.url, codes)
        pages = list(harvester.pages({}))
        whole = [record.key for page in pages for record in harvester.parse(page).records]
        for number, page in enumerate(pages[:-1], start=1):
            stored = [record.key for kept in pages[:number] for record in harvester.parse(kept).records]
            rest = read(source(server.url, codes), dict(page.next_cursor))
            assert stored + [record.key for parsed in rest for record in parsed.records] == whole
            assert [refusal.key for parsed in rest for refusal in parsed.refusals] == [codes[-1]]
        assert pages[-1].next_cursor == {}
        again = read(source(server.url, codes[1:]), dict(pages[2].next_cursor))
    assert sum(len(parsed.records) for parsed in again) == 228
    assert whole == codes[:-1]


def test_fewer_rows_than_a_batch_are_several_pages() -> None:
    """Where ADS gives twenty rows at most a batch goes on; what is unknown is told once, at its end."""
    codes = [bibcode(n) for n in range(100)]
    with serving(bigquery([{"bibcode": code} for code in codes[:-1]], granted=20)) as server:
        harvester = source(server.url, codes)
        pages = list(harvester.pages({}))
        parsed = [harvester.parse(page) for page in pages]
        assert [record.key for page in parsed for record in page.records] == codes[:-1]
        assert [refusal.key for page in parsed for refusal in page.refusals] == [codes[-1]]
        for number, page in enumerate(pages[:-1], start=1):
            rest = read(source(server.url, codes), dict(page.next_cursor))
            stored = {record.key for kept in parsed[:number] for record in kept.records}
            assert stored | {record.key for kept in rest for record in kept.records} == set(codes[:-1])
    assert [page.next_cursor.get("batch") for page in pages] == [0, 0, 1, 1, 1, None]
    assert [page.is_last for page in pages] == [False] * 5 + [True]


def test_stored_page_is_read_without_its_list() -> None:
    """A page kept by hash is parsed again by whoever has it; only the list knows what is missing from it."""
    with serving(bigquery([{"bibcode": bibcode(1)}])) as server:
        (page,) = source(server.url, [bibcode(1), bibcode(2)]).pages({})
        parsed = source(server.url, [bibcode(3)]).parse(page)
    assert [record.key for record in parsed.records] == [bibcode(1)]
    assert parsed.refusals == ()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply({"error": "Too many bibcodes"}, 400), "status 400: Too many bibcodes"),
        (reply({"response": {"numFound": 9_000_000, "docs": []}}), "did not take the list"),
        (reply({"response": {"numFound": 2, "docs": []}}), "gave 0 of 2 records"),
        (
            reply({"responseHeader": {"partialResults": True}, "response": {"numFound": 0, "docs": []}}),
            "only part of the result",
        ),
        (Reply(b"<html>", content_type="text/html"), "is text/html, not JSON"),
    ],
)
def test_bad_batches_are_refused_by_name(answer: Reply, reason: str) -> None:
    """An answer that is not that of the list stores nothing."""
    with (
        serving(lambda _: answer) as server,
        pytest.raises(PageRefused, match=f"ADS bibcodes 1 to 2 of 2: .*{reason}"),
    ):
        read(source(server.url, [bibcode(0), bibcode(1)]))


def test_documented_limits_hold_until_ads_says_otherwise() -> None:
    """Without rate-limit headers a list counts from what ADS documents; with them from what they say."""
    headers = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "299"}
    for more, left in (({}, 99), (headers, 299)):
        answer = bigquery([{"bibcode": bibcode(1)}])
        with serving(lambda asked, answer=answer, more=more: replace(answer(asked), headers=more)) as server:
            session = polite()
            asked = AdsBibcodes(session, [bibcode(1)], token="t", base_url=f"{server.url}/v1")
            read(asked)
        assert session.quotas["/v1/search/bigquery"].remaining == left


def test_list_without_any_bibcode_is_refused() -> None:
    """Titles are no bibcodes, and nothing is asked."""
    with serving(lambda _: reply({})) as server, pytest.raises(PageRefused, match="none of the 2 entries is a bibcode"):
        read(source(server.url, ["A title", "Another"]))
    assert server.asked == []


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("2019A&A...622A..66K", True),
        ("1907AN....174...59.", True),
        ("2100arXiv210100001E", True),
        ("2100Fict.0001....1", False),
        ("2100Fict.00 1....1E", False),
        ("Fict.0001....1E2100", False),
    ],
)
def test_form_of_a_bibcode(text: str, answer: bool) -> None:
    """Nineteen signs without blanks, a year first."""
    assert is_bibcode(text) is answer


def test_without_a_token_no_list_is_asked_for() -> None:
    """All three doors say what to do."""
    with serving(lambda _: reply({})) as server:
        for ask in (
            lambda: read(source(server.url, [bibcode(1)], token=None)),
            lambda: library_bibcodes(polite(), LIBRARY, None, server.url),
            lambda: expected_counts(polite(), {"any": "x"}, 2099, 2100, None, server.url),
        ):
            with pytest.raises(SourceStopped, match="BIBLIO_ADS_TOKEN"):
                ask()
    assert server.asked == []


class FictionalLibrary:
    """A library as biblib serves it: canonical bibcodes by page, the stored ones raw; at most ``rows`` at a time."""

    def __init__(self, stored: list[str], index: dict[str, str], rows: int = 3) -> None:
        self.stored = stored
        self.index = index
        self.rows = rows
        self.shrinks_to: int | None = None

    def __call__(self, asked: Asked) -> Reply:
        """Answer one page."""
        assert asked.path == f"/v1/biblib/libraries/{LIBRARY}"
        start, rows = int(asked.query["start"]), min(int(asked.query["rows"]), self.rows)
        about = {"name": "Papers with fictional data", "num_documents": len(self.stored)}
        if asked.query.get("raw"):
            page = sorted(self.stored)[start : start + rows]
            return reply(
                {"documents": page, "solr": "Only the raw library was requested.", "metadata": about, "updates": {}}
            )
        page = sorted({self.index[code] for code in self.stored if code in self.index})[start : start + rows]
        if self.shrinks_to is not None and start:
            page = page[: self.shrinks_to]
        old = {code: self.index[code] for code in self.stored if self.index.get(code, code) != code}
        changes = {code: new for code, new in old.items() if new in page}
        twice = [code for code, new in changes.items() if new in self.stored]
        self.stored = [changes.get(code, code) for code in self.stored if code not in twice]
        updates = {
            "num_updated": len(changes),
            "duplicates_removed": len(twice),
            "update_list": [{code: new} for code, new in changes.items()],
        }
        return reply({"documents": page, "solr": {"response": {}}, "metadata": about, "updates": updates})


def ask_library(url: str, library_id: str = LIBRARY) -> LibraryList:
    """The library's list."""
    return library_bibcodes(polite(), library_id, "s3cret", f"{url}/v1")


@pytest.mark.parametrize("count", [0, 1, 3, 4, 10])
def test_every_bibcode_of_a_library_comes(count: int) -> None:
    """However few rows ADS gives at a time, the list is as long as the library says."""
    codes = [bibcode(n) for n in range(count)]
    with serving(FictionalLibrary(codes, {code: code for code in codes})) as server:
        found = ask_library(server.url)
    assert found == LibraryList("Papers with fictional data", tuple(codes))


def test_old_bibcodes_of_a_library_are_told_with_their_new_ones() -> None:
    """The list has what is canonical today, each once; changes, doubles and what the index lacks are named."""
    stored = [bibcode(n) for n in range(8)] + [bibcode(1, "X"), bibcode(99, "X"), bibcode(50)]
    index = {bibcode(n): bibcode(n) for n in [*range(8), 99]} | {bibcode(n, "X"): bibcode(n) for n in (1, 99)}
    with serving(FictionalLibrary(stored, index)) as server:
        found = ask_library(server.url, f"https://ui.adsabs.harvard.edu/public-libraries/{LIBRARY}/")
    assert found.bibcodes == (*(bibcode(n) for n in range(8)), bibcode(50), bibcode(99))
    assert found.updates == {bibcode(1, "X"): bibcode(1), bibcode(99, "X"): bibcode(99)}
    assert found.duplicates_removed == 1
    assert found.unknown == (bibcode(50),)


def test_library_that_does_not_come_whole_is_refused() -> None:
    """Fewer bibcodes than promised are no library."""
    codes = [bibcode(n) for n in range(7)]

    def short(asked: Asked) -> Reply:
        about = {"name": "x", "num_documents": 7}
        page = codes[:3] if asked.query["start"] == "0" else []
        return reply({"documents": page, "metadata": about, "updates": {}})

    with (
        serving(short) as server,
        pytest.raises(PageRefused, match=f"ADS library {LIBRARY}: gave 3 of 7 bibcodes"),
    ):
        ask_library(server.url)


def test_library_whose_pages_repeat_ends() -> None:
    """A service that ignores where to start is not asked for ever."""
    about = {"name": "x", "num_documents": 700}
    answer = reply({"documents": [bibcode(1)], "metadata": about, "updates": {}})
    with serving(lambda _: answer) as server, pytest.raises(PageRefused, match="gave 1 of 700"):
        ask_library(server.url)
    assert len(server.asked) == 4


def test_library_without_end_is_left() -> None:
    """One that promises more with every page, and gives ever new bibcodes, is asked no longer than twice its size."""

    def endless(asked: Asked) -> Reply:
        start = int(asked.query["start"])
        about = {"name": "x", "num_documents": start + 400}
        return reply({"documents": [bibcode(start + n) for n in range(100)], "metadata": about, "updates": {}})

    with serving(endless) as server, pytest.raises(PageRefused, match="grows while it is read and has no end"):
        ask_library(server.url)
    assert len(server.asked) == 20


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply({"error": "No library"}, 404), "there is none under this id.*404: No library"),
        (reply({"error": "Library specified does not exist."}, 410), "there is none under this id"),
        (reply({"error": "You do not have the correct permissions"}, 403), "it is private .*make it public"),
        (reply({"error": "Bad library ID was passed"}, 400), "does not take this id"),
        (reply({"metadata": {"num_documents": 1}}), "no list of bibcodes"),
        (reply({"documents": [5], "metadata": {"num_documents": 1}}), "no list of bibcodes"),
        (reply({"documents": []}), "does not say how many"),
        (reply([]), "no JSON object"),
    ],
)
def test_library_that_cannot_be_read_is_told(answer: Reply, reason: str) -> None:
    """Missing, private and garbled libraries are three different sentences."""
    with serving(lambda _: answer) as server, pytest.raises(PageRefused, match=f"ADS library {LIBRARY}.*{reason}"):
        ask_library(server.url)


def test_refused_token_of_a_library_stops_the_source() -> None:
    """A token that ADS refuses is no private library."""
    with (
        serving(lambda _: reply({"error": "Unauthorized"}, 401)) as server,
        pytest.raises(SourceStopped, match="does not accept the token"),
    ):
        ask_library(server.url)


@pytest.mark.parametrize("library_id", ["", "../metrics", "x", "a b", "kZ3fictional\nLibrary_01", "é" * 22])
def test_what_is_no_library_id_is_not_asked(library_id: str) -> None:
    """Nothing but an id gets into the address."""
    with serving(lambda _: reply({})) as server, pytest.raises(PageRefused, match="is no ADS library"):
        ask_library(server.url, library_id)
    assert server.asked == []


def counting(papers: Sequence[tuple[int, str | None]]) -> Callable[[Asked], Reply]:
    """A service that counts ``papers`` (year, bibstem) by facets as Solr does."""

    def answer(asked: Asked) -> Reply:
        year = int(asked.query["q"].rpartition("year:")[2])
        stems = [stem for of, stem in papers if of == year]
        counts = sorted({stem: stems.count(stem) for stem in stems if stem}.items())
        offset, limit = int(asked.query["facet.offset"]), int(asked.query["facet.limit"])
        flat = [value for pair in counts[offset : offset + limit] for value in pair]
        return reply(
            {
                "response": {"numFound": len(stems), "docs": []},
                "facet_counts": {"facet_fields": {"bibstem_facet": flat}},
            }
        )

    return answer


def count(url: str, searches: dict[str, str], first: int, last: int) -> dict[int, dict[str, int]]:
    """What ADS has."""
    return expected_counts(polite(), searches, first, last, "s3cret", f"{url}/v1")


def test_expected_counts_are_by_year_and_journal() -> None:
    """One request a year for all searches together; papers without a journal are counted too."""
    papers = [(2099, "ApJ"), (2099, "A&A"), (2099, "ApJ"), (2100, "MNRAS"), (2100, None)]
    with serving(counting(papers)) as server:
        found = count(server.url, {"prefix": 'full:"ADS/X" -ack:"Y"', "name": "abs:rings OR abs:gaps"}, 2098, 2100)
    assert found == {2098: {}, 2099: {"A&A": 1, "ApJ": 2}, 2100: {"MNRAS": 1, "": 1}}
    assert [asked.query["q"] for asked in server.asked] == [
        f'((full:"ADS/X" -ack:"Y") OR (abs:rings OR abs:gaps)) year:{year}' for year in (2098, 2099, 2100)
    ]
    query = server.asked[0].query
    assert (query["facet"], query["facet.field"], query["rows"]) == ("true", "bibstem_facet", "1")
    assert (query["facet.limit"], query["facet.mincount"]) == ("2000", "1")


def test_more_journals_than_one_answer_holds_are_counted_to_the_end() -> None:
    """The limit of an answer is not the number of journals."""
    papers = [(2100, f"J{n}") for n in range(4_001)]
    with serving(counting(papers)) as server:
        found = count(server.url, {"any": "x"}, 2100, 2100)
    assert len(found[2100]) == sum(found[2100].values()) == 4_001
    assert len(server.asked) == 3


def test_counts_whose_pages_repeat_end() -> None:
    """A service that ignores where to start is not asked for ever."""
    flat = [value for n in range(2_000) for value in (f"J{n}", 1)]
    answer = reply({"response": {"numFound": 1, "docs": []}, "facet_counts": {"facet_fields": {"bibstem_facet": flat}}})
    with serving(lambda _: answer) as server:
        assert len(count(server.url, {"any": "x"}, 2100, 2100)[2100]) == 2_000
    assert len(server.asked) == 2


def test_counts_without_end_are_left() -> None:
    """Ever new journals, two thousand at a time, are none."""

    def endless(asked: Asked) -> Reply:
        first = int(asked.query["facet.offset"])
        flat = [value for n in range(first, first + 2_000) for value in (f"J{n}", 1)]
        return reply(
            {"response": {"numFound": 1, "docs": []}, "facet_counts": {"facet_fields": {"bibstem_facet": flat}}}
        )

    with serving(endless) as server, pytest.raises(PageRefused, match=r"ADS counts of 2100.*no end"):
        count(server.url, {"any": "x"}, 2100, 2100)
    assert len(server.asked) == 50


@pytest.mark.parametrize(
    "facets",
    [
        None,
        {},
        {"facet_fields": {}},
        {"facet_fields": {"bibstem_facet": ["ApJ"]}},
        {"facet_fields": {"bibstem_facet": ["ApJ", "many"]}},
        {"facet_fields": {"bibstem_facet": [5, 5]}},
        {"facet_fields": {"bibstem_facet": ["Ap\0J", 5]}},
        {"facet_fields": {"bibstem_facet": ["ApJ", -5]}},
        {"facet_fields": {"bibstem_facet": ["ApJ", 10**30]}},
    ],
)
def test_counts_of_another_shape_are_refused(facets: object) -> None:
    """Nothing that is no count is taken for one."""
    answer = reply({"response": {"numFound": 1, "docs": []}, "facet_counts": facets})
    with (
        serving(lambda _: answer) as server,
        pytest.raises(PageRefused, match=r"ADS counts of 2100, .*counts by journal"),
    ):
        count(server.url, {"any": "x"}, 2100, 2100)


def test_searches_too_long_together_are_told() -> None:
    """A thousand characters for all of them; nothing is asked."""
    searches = {f"s{n}": "x " * 200 for n in range(3)}
    with serving(counting([])) as server, pytest.raises(SourceStopped, match=r"together have 1.* shorten them"):
        count(server.url, searches, 2100, 2100)
    assert server.asked == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_any_batch_is_read_or_refused() -> None:
    """No answer raises anything but ``PageRefused``, and each bibcode is found or named."""
    docs: list[Any] = [None]

    @given(
        JSON_VALUES | st.lists(st.fixed_dictionaries({"bibcode": JSON_VALUES, "identifier": JSON_VALUES}), max_size=3)
    )
    def ask(odd: Any) -> None:
        docs[0] = odd
        harvester = source(server.url, [bibcode(1), bibcode(2)])
        try:
            (parsed,) = read(harvester)
        except PageRefused:
            assert not isinstance(odd, list)
            return
        missing = {refusal.key for refusal in parsed.refusals if "no record under" in refusal.reason}
        assert missing == {bibcode(1), bibcode(2)}

    def answer(_: Asked) -> Reply:
        found = len(docs[0]) if isinstance(docs[0], list) else 2
        return reply({"response": {"numFound": found, "docs": docs[0]}})

    with serving(answer) as server:
        ask()


def test_garbled_libraries_and_counts_are_refused() -> None:
    """Whatever JSON these two doors answer, it is a list, counts, or a refused page."""
    value: list[object] = [None]

    @given(
        JSON_VALUES
        | st.fixed_dictionaries(
            {"documents": JSON_VALUES, "metadata": JSON_VALUES, "updates": JSON_VALUES, "facet_counts": JSON_VALUES}
        )
        | st.fixed_dictionaries(
            {
                "documents": st.just([]),
                "metadata": st.just({"num_documents": 0, "name": "x"}),
                "updates": st.dictionaries(
                    st.sampled_from(["num_updated", "duplicates_removed", "update_list"]), JSON_VALUES
                ),
            }
        )
    )
    def ask(odd: object) -> None:
        value[0] = odd
        for door in (lambda: ask_library(server.url), lambda: count(server.url, {"any": "x"}, 2100, 2100)):
            try:
                given_back = door()
            except PageRefused:
                continue
            assert isinstance(given_back, (LibraryList, dict))

    with serving(lambda _: reply(value[0])) as server:
        ask()
