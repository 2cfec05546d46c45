"""Which few records of many thousands could be the paper that a record describes.

Found by people and years as well as by the words of the title, because titles change between preprint and article, and
because names are misspelt. What is found is then judged by ``matching.works``.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from matching.blocking import SparseIndex
from matching.people import index_keys
from matching.words import Vector
from matching.work_text import Reading, Work, read

__all__ = ["Shelf"]

_PEOPLE = 12
"""People by whom a record is filed: more say little, and lists of thousands would fill the index."""
_COMMON = 0.02
"""A key that a larger share of all records has finds nothing, only ranks among those found by others."""
_YEARS = (-1, 0, 1)
"""A preprint may be a year older than its article; two years are bridged by the title."""


class Shelf:
    """Records that can be searched for a paper; the order of the records is kept."""

    def __init__(self, works: Sequence[Work]) -> None:
        """File the records. Time and memory grow with their number (100,000 records: some seconds, 300 MB)."""
        frequency: Counter[str] = Counter()
        keys = []
        self._identified: dict[str, list[int]] = defaultdict(list)
        for place, work in enumerate(works):
            reading = read.__wrapped__(work)
            own = list(dict.fromkeys(_keys(reading, (0,))))
            keys.append(own)
            frequency.update(own)
            for identifier in _identifiers(reading):
                self._identified[identifier].append(place)
        self._columns = {key: column for column, key in enumerate(sorted(frequency))}
        total = max(len(keys), 1)
        self._weight = {
            key: math.log((total + 1.0) / (n + 0.5)) for key, n in frequency.items() if n <= max(3, _COMMON * total)
        }
        self._index = SparseIndex([self._filed(own) for own in keys], len(self._columns))

    def _filed(self, keys: Sequence[str]) -> Vector:
        """A record's vector; long records do not win by their length."""
        size = math.sqrt(len(keys) or 1)
        return {self._columns[key]: self._weight[key] / size for key in keys if key in self._weight}

    def candidates(self, works: Sequence[Work], top: int = 10) -> list[list[int]]:
        """For each work the places of the records that may be the same paper, the likeliest first, about ``top`` of them.

        Records with one of its identifiers stand before all others.
        """
        readings = [read.__wrapped__(work) for work in works]
        vectors = [
            {self._columns[key]: self._weight[key] for key in _keys(r, _YEARS) if key in self._weight} for r in readings
        ]
        found = []
        for reading, near in zip(readings, self._index.best(vectors, top), strict=True):
            known = [
                place for identifier in _identifiers(reading) for place in self._identified.get(identifier, ())[:top]
            ]
            found.append(list(dict.fromkeys((*known, *near))))
        return found


def _keys(reading: Reading, years: tuple[int, ...]) -> Iterator[str]:
    """What a record is filed and looked for under: title words, pairs of them, people, people with years."""
    words = [w for w in reading.words[:40] if len(w) > 2 or w.isdigit()]
    yield from words
    yield from (f"{one} {other}" for one, other in pairwise(words))
    for place, name in enumerate(reading.people[:_PEOPLE]):
        for key in index_keys(name):
            initial = name.given[0][0] if name.given else ""
            yield f"@{key}"
            yield f"@{key},{initial}"
            if place == 0 and reading.year:
                yield from (f"@{key},{reading.year + apart}" for apart in years)


def _identifiers(reading: Reading) -> list[str]:
    return [i for i in (reading.version_of, reading.work.arxiv) if i]
