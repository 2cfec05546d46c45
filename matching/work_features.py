"""Two records as numbers: how alike titles, people, years, venues, identifiers and abstracts are.

What cannot be compared, because one record does not say it, is NaN. Where a record has lost the borders of its fields
(authors, venue or year written behind the title), words that the other record has in another field are no part of the title.
No collection is needed: how much a word tells is taken from its length. All features are symmetric.
"""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler, LCSseq

from matching.people import Name, compare, index_keys
from matching.work_places import LOST, SMALL_WORDS, dois, kinds, pages, venues, years
from matching.work_text import Reading

__all__ = ["DIRECTIONS", "FEATURES", "MOST_COUNTED", "authors_in_common", "features"]

DIRECTIONS = {
    "title_ratio": 1,
    "title_shared": 1,
    "title_contained": 1,
    "title_lost": -1,
    "title_added": -1,
    "title_weight": 0,
    "title_partial": 1,
    "title_set": 1,
    "title_prefix": 1,
    "starts_same": 1,
    "ends_same": 1,
    "title_glued": 1,
    "title_forms_apart": -1,
    "title_run_fewer": 1,
    "title_run_more": 1,
    "words_fewer": 0,
    "words_more": 0,
    "words_of_column": -1,
    "numbers_apart": -1,
    "authors_shared": 1,
    "authors_of_longer": 1,
    "first_author": 1,
    "authors_matched": 1,
    "last_author": 1,
    "authors_alone": -1,
    "authors_fewer": 0,
    "authors_more": 0,
    "names_full": 0,
    "names_full_either": 0,
    "years_apart": -1,
    "preprint_later": -1,
    "venue_alike": 1,
    "journal_apart": -1,
    "kinds_agree": 1,
    "is_preprint": 0,
    "is_article": 0,
    "is_data": 0,
    "doi_same": 1,
    "doi_register_same": 0,
    "doi_alike": 0,
    "doi_steps": 0,
    "volume_same": 1,
    "page_same": 1,
    "page_inside": 1,
    "abstract_alike": 1,
    "all_shared": 1,
}
"""Feature → whether more of it may only speak for (1) or only against (-1) one paper, or either (0)."""

FEATURES = tuple(DIRECTIONS)

MOST_COUNTED = 20
"""Authors beyond these say nothing more by their number."""
AGREE = 0.65
"""From here on two names count as one person's."""

_COLUMN_WORDS = frozenset(
    [
        "editorial",
        "editor",
        "editors",
        "guest",
        "foreword",
        "preface",
        "introduction",
        "notes",
        "note",
        "notices",
        "news",
        "letter",
        "letters",
        "message",
        "book",
        "books",
        "review",
        "reviews",
        "column",
        "columns",
        "contributors",
        "contributor",
        "biographies",
        "biography",
        "index",
        "contents",
        "announcement",
        "announcements",
        "calendar",
        "report",
        "chair",
        "president",
        "treasurer",
        "secretary",
        "obituary",
        "corrections",
        "errata",
        "abstracts",
        "referees",
        "reviewers",
        "acknowledgement",
        "acknowledgements",
        "issue",
        "special",
        "section",
        "conference",
        "meeting",
        "research",
        "development",
        "perspectives",
        "forum",
        "correspondence",
    ]
)
"""Words of titles that journals print issue after issue: two records of such a title are seldom one."""
_FORM_WORDS = frozenset(
    [
        "panel",
        "abstract",
        "tutorial",
        "demo",
        "demonstration",
        "extended",
        "overview",
        "survey",
        "review",
        "report",
        "technical",
        "poster",
        "keynote",
        "invited",
        "introduction",
        "editorial",
        "foreword",
        "preface",
        "book",
        "draft",
        "version",
        "summary",
        "workshop",
        "session",
        "column",
        "note",
        "notes",
        "short",
        "full",
        "paper",
        "project",
        "experience",
        "comment",
        "reply",
        "letter",
        "supplement",
        "preliminary",
        "revised",
        "industrial",
    ]
)
"""Words by which titles say what form a work has: a panel, an abstract, a review of the book of that title."""
_ALIKE_WORDS = 84.0
_LEAST_GLUED = 10
"""Letters that a title without its blanks must have to be looked for in another."""


def features(a: Reading, b: Reading) -> list[float]:
    """The values of ``FEATURES`` for two records, in their order."""
    return [
        *_titles(_title(a, b), _title(b, a)),
        *_texts(a.words, b.words),
        min(_column(a.words), _column(b.words)),
        _numbers_apart(a, b),
        *_authors(a, b),
        *_names(a, b),
        *years(a, b),
        *venues(a, b),
        *kinds(a, b),
        *dois(a, b),
        *pages(a, b),
        _abstracts(a.abstract, b.abstract),
        _everything(a, b),
    ]


# ---- titles


def _title(a: Reading, b: Reading) -> tuple[str, ...]:
    """The title words of ``a`` without those that are known from ``b`` to be authors, venue or year."""
    words = a.words
    strange = {w for n in b.people[:30] for w in (*n.parts, *n.given) if len(w) > 2}
    if a.people and len(strange & set(words)) < 2:
        strange = set()
    if not a.venue:
        strange.update(w for w in b.venue if w not in SMALL_WORDS)
    if not a.work.year and b.year:
        strange.add(str(b.year))
    moved = strange - set(b.words)
    kept = [w for w in words if w not in moved] if moved else list(words)
    return tuple(_without_tail(kept, a)) if not a.venue else tuple(kept)


def _without_tail(words: list[str], a: Reading) -> list[str]:
    """A title without the venue and year that stand behind it in a record without a field for them."""
    end = len(words)
    if a.work.year is None and end > 3 and len(words[-1]) == 4 and words[-1].isdecimal():
        end -= 1
    return words[:end]


def _titles(one: tuple[str, ...], other: tuple[str, ...]) -> list[float]:
    """Likeness of two titles whose strange words are gone: as text, by shares of telling words, by what each has alone."""
    if not one or not other:
        return [LOST] * 5 + [0.0]
    first, second = sorted((one, other), key=lambda words: (len(words), words))
    shares = _cover(first, second)
    whole = _weight_of(first), _weight_of(second)
    lost = (1.0 - shares[0]) * whole[0], (1.0 - shares[1]) * whole[1]
    return [_ratio(first, second), min(shares), max(shares), min(lost), max(lost), min(*whole, 15.0)]


def _texts(one: tuple[str, ...], other: tuple[str, ...]) -> list[float]:
    """Likeness of two titles as they stand: the best part, common words, beginning and end, run together, their lengths."""
    if not one or not other:
        return [LOST] * 9 + [float(min(len(one), len(other), 30)), float(min(max(len(one), len(other)), 30))]
    first, second = sorted((one, other), key=lambda words: (len(words), words))
    x, y = " ".join(first), " ".join(second)
    in_order = LCSseq.similarity(first, second)
    return [
        _part_ratio(x, y),
        fuzz.token_set_ratio(x, y) / 100.0,
        JaroWinkler.similarity(x, y),
        float(first[:2] == second[:2]),
        float(first[-2:] == second[-2:]),
        _glued("".join(first), "".join(second)),
        float(min(len((set(first) ^ set(second)) & _FORM_WORDS), 3)),
        in_order / len(first),
        in_order / len(second),
        float(min(len(first), 30)),
        float(min(len(second), 30)),
    ]


def _part_ratio(x: str, y: str) -> float:
    """How well the shorter of two texts fits into the longer, 0–1."""
    if len(x) == len(y):
        return max(fuzz.partial_ratio(x, y), fuzz.partial_ratio(y, x)) / 100.0
    return fuzz.partial_ratio(x, y) / 100.0


def _glued(x: str, y: str) -> float:
    """The same for titles without their blanks, which scanners and careless copies lose."""
    return _part_ratio(x, y) if min(len(x), len(y)) >= _LEAST_GLUED else LOST


def _ratio(one: Sequence[str], other: Sequence[str]) -> float:
    """Likeness of two titles as texts, 0–1, whatever the order of their words or the blanks between them."""
    if not one or not other:
        return LOST
    x, y = " ".join(one), " ".join(other)
    if x == y:
        return 1.0
    best = max(fuzz.ratio(x, y), fuzz.token_sort_ratio(x, y), fuzz.ratio(x.replace(" ", ""), y.replace(" ", "")))
    return best / 100.0


@lru_cache(maxsize=200_000)
def _worth(word: str) -> float:
    """How much a word tells: numbers most, long words more than short ones, articles and prepositions little."""
    if word in SMALL_WORDS:
        return 0.2
    return 1.2 if word[0].isdigit() else 0.3 + 0.1 * min(len(word), 10)


def _cover(one: Sequence[str], other: Sequence[str]) -> tuple[float, float]:
    """The share of each title's words, by what they tell, that the other has too, slips of letters and blanks forgiven."""
    if one == other or "".join(one) == "".join(other):
        return 1.0, 1.0
    left, right = Counter(one), Counter(other)
    both = left & right
    found = math.fsum(_worth(w) * n for w, n in both.items())
    x, y = list((left - both).elements()), list((right - both).elements())
    gains = _near(x, y) if x and y and len(x) * len(y) <= 400 else (0.0, 0.0)
    return (
        (found + gains[0]) / (math.fsum(map(_worth, one)) or 1.0),
        (found + gains[1]) / (math.fsum(map(_worth, other)) or 1.0),
    )


def _near(x: list[str], y: list[str]) -> tuple[float, float]:
    """What words of one list are worth that the other has with a slip, or run together, or abbreviated."""
    gained = [0.0, 0.0]
    free = list(y)
    for word in x:
        best = max(free, key=lambda w: fuzz.ratio(word, w), default=None)
        if best is None:
            break
        alike = fuzz.ratio(word, best)
        if alike >= _ALIKE_WORDS and len(word) > 3 and not (word[0].isdigit() or best[0].isdigit()):
            gained[0] += _worth(word) * alike / 100.0
            gained[1] += _worth(best) * alike / 100.0
            free.remove(best)
    glued = "".join(free)
    for word in x:
        if len(word) >= 9 and word in glued and word not in free:
            gained[0] += _worth(word)
            gained[1] += _worth(word)
    whole = "".join(x)
    for word in free:
        if len(word) >= 9 and word in whole and word not in x:
            gained[0] += _worth(word)
            gained[1] += _worth(word)
    return gained[0], gained[1]


def _column(words: Sequence[str]) -> float:
    """The share of a short title's telling words that recurring columns have; 0 for a title of more than eight."""
    telling = [w for w in words if w not in SMALL_WORDS and len(w) > 1 and not w.isdecimal()]
    return sum(w in _COLUMN_WORDS for w in telling) / len(telling) if 0 < len(telling) <= 8 else 0.0


def _numbers_apart(a: Reading, b: Reading) -> float:
    """Numbers that only one title has (parts of a longer one do not count); NaN where neither has any."""
    if not a.numbers and not b.numbers:
        return LOST
    apart = (Counter(a.numbers) - Counter(b.numbers)) + (Counter(b.numbers) - Counter(a.numbers))
    years = {str(y) for y in (a.year, b.year) if y}
    return float(min(sum(n for number, n in apart.items() if number not in years), 4))


# ---- people


def _authors(a: Reading, b: Reading) -> tuple[float, ...]:
    """Share of the shorter list that is in the longer, share of the longer, likeness of the first, number that agree,

    likeness of the last, and how many of the shorter list the longer lacks.
    """
    if a.people and b.people:
        matched = authors_in_common(a.people, b.people)
        first = compare(a.people[0], b.people[0])
        if first < AGREE:
            one_in_other = max(compare(a.people[0], n) for n in b.people[:30])
            other_in_one = max(compare(b.people[0], n) for n in a.people[:30])
            first = max(first, 0.5 * max(one_in_other, other_in_one))
        read = len(a.people), len(b.people)
        shares = min(1.0, matched / min(read)), min(1.0, matched / max(a.count, b.count))
        last = compare(a.people[-1], b.people[-1]) if min(read) > 1 else LOST
        return *shares, first, min(matched, 6.0), last, min(min(read) - matched, 6.0)
    if not a.people and not b.people:
        return (LOST,) * 6
    named, bare = (a, b) if a.people else (b, a)
    if bare.work.authors:  # a group stands for the people
        return (LOST,) * 6
    words = set(bare.words)
    spoken = [n.surname in words or n.parts[-1] in words for n in named.people[:12]]
    if not any(spoken):
        return (LOST,) * 6
    share = sum(spoken) / len(spoken)
    return share, share, float(spoken[0]), float(min(sum(spoken), 6)), LOST, LOST


def _names(a: Reading, b: Reading) -> tuple[float, float, float, float]:
    """Number of people in the shorter and the longer list, and the smaller and the larger share printed with given names."""
    full = [_full(r.people) for r in (a, b) if r.people]
    fewer, more = sorted((min(a.count, MOST_COUNTED), min(b.count, MOST_COUNTED)))
    return float(fewer), float(more), min(full, default=LOST), max(full, default=LOST)


def _full(people: Sequence[Name]) -> float:
    return sum(any(len(g) > 2 for g in name.given) for name in people[:20]) / len(people[:20])


def authors_in_common(a: tuple[Name, ...], b: tuple[Name, ...]) -> float:
    """How many people the two lists have in common; nobody counts twice, and whom initials fit best is taken first."""
    shorter, longer = sorted((a, b), key=lambda people: (len(people), people))
    filed: dict[str, list[int]] = {}
    for i, name in enumerate(longer):
        for key in (*index_keys(name), *(g for g in name.given if len(g) > 2)):
            filed.setdefault(key, []).append(i)
    pairs = []
    for j, name in enumerate(shorter):
        near = {i for key in (*index_keys(name), *(g for g in name.given if len(g) > 2)) for i in filed.get(key, ())}
        if not near and len(longer) <= 60:
            near = set(range(len(longer)))
        pairs += [(-alike, j, i) for i in near if (alike := compare(name, longer[i])) >= AGREE]
    pairs.sort()
    used: tuple[set[int], set[int]] = (set(), set())
    matched = 0.0
    for alike, j, i in pairs:
        if j not in used[0] and i not in used[1]:
            used[0].add(j)
            used[1].add(i)
            matched += 1.0 if alike <= -0.75 else 0.8
    return matched


# ---- the rest


def _abstracts(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the telling words that two abstracts have in common."""
    x, y = one - SMALL_WORDS, other - SMALL_WORDS
    if len(x) < 8 or len(y) < 8:
        return LOST
    return len(x & y) / min(len(x), len(y))


def _everything(a: Reading, b: Reading) -> float:
    """The share of all words of the poorer record, titles, names and venue in one bag, that the other has too."""
    x, y = _bag(a), _bag(b)
    if not x or not y:
        return LOST
    both = math.fsum(map(_worth, sorted(x & y)))
    return both / min(_weight_of(x), _weight_of(y))


def _bag(a: Reading) -> frozenset[str]:
    return (
        frozenset(a.words)
        | {p for n in a.people[:30] for p in n.parts}
        | {g for n in a.people[:30] for g in n.given if len(g) > 2}
    )


def _weight_of(words: Collection[str]) -> float:
    return math.fsum(map(_worth, sorted(words)))
