"""How the adversary guesses: every strategy, from what was copied alone and from what their confederates told them.

Confederates are invited persons who tell the adversary what they answered; they are not scored. From them it learns what
a trace means, whatever the trace: a value that goes with one choice among them is taken to go with it for everybody.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any

import numpy as np

from survey.questionnaire import Filled
from tests.survey.adversary.play import Known, Opening
from tests.survey.adversary.score import Cell
from tests.survey.adversary.watch import Capture, Row, Tables

_TOKEN = re.compile(rb"[A-Za-z0-9_\-]{10,}")
_KEYS = re.compile(rb"[0-9a-f]{32,80}")
_NUMBER = re.compile(rb"([A-Za-z_]{3,20})[\"'=:>\s,\[\]?&-]{1,6}(\d{1,3})(?![\d.])")
_SUPPORT = 8
"""Submissions that must show a trace before it is looked at."""

Guess = tuple[str, str, Mapping[Any, str]]
"""Question, strategy, and what is guessed for each submission (for "pair": for each word)."""


@dataclass(frozen=True)
class Held:
    """All that the adversary holds. ``told``: what confederates say that they answered."""

    known: Sequence[Known]
    openings: Sequence[Opening]
    captures: Sequence[Capture]
    told: Mapping[int, Filled]

    @cached_property
    def choices_told(self) -> dict[int, str]:
        """What confederates chose."""
        return {n: str(filled.chosen[0].choice) for n, filled in self.told.items()}

    @cached_property
    def channels(self) -> dict[str, list[bytes]]:
        """What was seen during each submission, by where it was seen."""
        return {
            "database": [c.database for c in self.captures],
            "logs": [c.logs.encode() for c in self.captures],
            "files": [c.files for c in self.captures],
            "responses": [b"\n".join(c.responses) for c in self.captures],
        }

    @cached_property
    def ballots(self) -> dict[int, Row]:
        """The ballot of each submission: made in the same transaction, or first seen right after it."""
        found = {}
        for opening in self.openings:
            for row in opening.before["ballot"]:
                number = self.number_of(opening.before, row)
                if number is not None:
                    found[number] = row
        return found

    @cached_property
    def first_seen(self) -> dict[str, dict[bytes, int]]:
        """Channel → word or key → the submission during which it was first seen."""
        return {name: _first_seen(parts) for name, parts in self.channels.items()}

    def number_of(self, tables: Tables, row: Row) -> int | None:
        """Return the submission that made a row, from its transaction or from when its key was first seen."""
        if "_xmin" in row:
            return self._transactions(tables).get(row["_xmin"])
        key = row.get("id")
        return self.first_seen["database"].get(key.encode()) if isinstance(key, str) else None

    def _transactions(self, tables: Tables) -> dict[str, int]:
        """Transaction → the submission whose invitation it marked as used."""
        place = id(tables)
        if place not in self._known_transactions:
            numbers = {k.invitation: k.number for k in self.known}
            self._known_transactions[place] = {
                row["_xmin"]: numbers[row["id"]]
                for row in tables["invitation"]
                if row["id"] in numbers and row["is_used"] and not row["is_released"]
            }
        return self._known_transactions[place]

    @cached_property
    def _known_transactions(self) -> dict[int, dict[str, int]]:
        return {}


def cells_of(held: Held) -> tuple[dict[int, Cell], dict[int, Cell]]:
    """Return the cell of each submission by what is published of choices, and of comments; those never read have none."""
    choices: dict[int, Cell] = {}
    comments: dict[int, Cell] = {}
    for place, opening in enumerate(held.openings):
        if not opening.read:
            continue
        names = {
            row["name"]: row["reported_as"]
            for row in opening.after["campaign_stratum"]
            if row["campaign_id"] == opening.campaign
        }
        for number in opening.numbers:
            choices[number] = (place, names.get(held.known[number].stratum))
            comments[number] = (place,)
    return choices, comments


def all_guesses(held: Held) -> Iterator[Guess]:
    """Yield the guesses of every strategy."""
    yield from by_order(held)
    yield from pairs_by_order(held)
    yield from by_words(held)
    features = features_of(held)
    possible = {str(row["choice"]) for opening in held.openings for row in released(opening, "answer")}
    for name, values in features.items():
        yield "choice", f"learned from {name}", learned(held, values)
        yield "choice", f"{name}, at its word", {n: value for n, value in values.items() if value in possible}
    yield "choice", "all traces together", combined(held, features)
    yield "choice", "nearest ballot", nearest_ballots(held)


# -- orders -----------------------------------------------------------------------------------------------------------


def released(opening: Opening, table: str) -> list[Row]:
    """Return the rows that the opening of a box added, as they lie, with the places of their keys in what it changed."""
    rows = [row for row in opening.after[table] if row["campaign_id"] == opening.campaign]
    for row in rows:
        if "_first" not in row:
            key = row["id"].encode()
            row["_first"], row["_last"] = opening.changed.database.find(key), opening.changed.database.rfind(key)
    return rows


def _orders_of_people(held: Held, opening: Opening) -> dict[str, list[int]]:
    """The orders in which persons can be put, those by the size of what was seen of them named "size of …"."""
    numbers = sorted(opening.numbers)
    found = {
        "time": numbers,
        "invitations": sorted(numbers, key=lambda n: held.known[n].invitation),
        "addresses": sorted(numbers, key=lambda n: held.known[n].person),
    }
    place = {row["id"]: at for at, row in enumerate(opening.before["ballot"])}
    boxed = [n for n in numbers if n in held.ballots]
    found["ballots' keys"] = sorted(boxed, key=lambda n: held.ballots[n]["id"])
    found["ballots' places"] = sorted(boxed, key=lambda n: place.get(held.ballots[n]["id"], 0))
    found["ballots' bytes"] = sorted(boxed, key=lambda n: bytes(held.ballots[n]["sealed"]))
    for name, parts in held.channels.items():
        found[f"size of {name}"] = sorted(numbers, key=lambda n, parts=parts: len(parts[n]))  # type: ignore[misc]
    return found


def _orders_of_rows(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The orders in which released rows can be put: as they lie, by every column, by the length of their text."""
    found = {"place": list(rows)}
    for column in rows[0] if rows else ():
        found[column] = sorted(rows, key=lambda row: _sortable(row[column]))
    found["length"] = sorted(rows, key=_length)
    return found


def _sortable(value: Any) -> tuple[int, float, str]:
    return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value))


def _length(row: Row) -> int:
    return len(row.get("words") or row.get("word") or "")


def by_order(held: Held) -> Iterator[Guess]:
    """Lay persons in some order beside released rows in some order, forwards and backwards."""
    choices: dict[str, dict[int, str]] = {}
    words: dict[str, dict[int, str]] = {}
    comments: dict[str, dict[int, str]] = {}
    cells, _ = cells_of(held)
    for opening in held.openings:
        people = _orders_of_people(held, opening)
        strata: dict[str | None, list[Row]] = {}
        for row in released(opening, "answer"):
            strata.setdefault(row["stratum"], []).append(row)
        for stratum, rows in strata.items():
            inside = {n for n in opening.numbers if n in cells and cells[n][1] == stratum}
            for name, number, row in _side_by_side(people, rows, inside):
                choices.setdefault(name, {})[number] = str(row["choice"])
                words.setdefault(name, {})[number] = row["word"]
        for name, number, row in _side_by_side(people, released(opening, "comment"), set(opening.numbers)):
            comments.setdefault(name, {})[number] = row["words"]
    for question, found in (("choice", choices), ("word", words), ("comment", comments)):
        for name, guesses in found.items():
            yield question, name, guesses


def _side_by_side(
    people: Mapping[str, Sequence[int]], rows: Sequence[Row], inside: set[int]
) -> Iterator[tuple[str, int, Row]]:
    """Yield (order, submission, row). Where there are fewer rows than persons, they are spread evenly."""
    if not rows:
        return
    orders = _orders_of_rows(rows)
    for of_people, everybody in people.items():
        numbers = [n for n in everybody if n in inside]
        for of_rows, ordered in orders.items():
            if of_people.startswith("size") != (of_rows == "length"):
                continue
            for way, laid in (("", ordered), (" backwards", ordered[::-1])):
                for at, number in enumerate(numbers):
                    yield f"{of_people} beside {of_rows}{way}", number, laid[at * len(laid) // len(numbers)]


def pairs_by_order(held: Held) -> Iterator[Guess]:
    """Lay released choices beside released comments: which comment goes with which word?"""
    found: dict[str, dict[str, str]] = {}
    for opening in held.openings:
        choices = _orders_of_rows(released(opening, "answer"))
        comments = _orders_of_rows(released(opening, "comment"))
        for name in choices.keys() & comments.keys():
            for way, laid in (("", comments[name]), (" backwards", comments[name][::-1])):
                for at, row in enumerate(choices[name]):
                    if row["word"] and laid:
                        other = laid[at * len(laid) // len(choices[name])]
                        found.setdefault(f"{name}{way}", {})[row["word"]] = other["words"]
    for name, guesses in found.items():
        yield "pair", name, guesses


# -- words that stood somewhere ---------------------------------------------------------------------------------------


def _tokens(part: bytes) -> set[bytes]:
    """Return the words and keys in some bytes, also those behind base64 and hexadecimal."""
    found = set(_TOKEN.findall(part))
    for run in _KEYS.findall(part):
        found.update(run[start : start + 32] for start in range(len(run) - 31))
    for token in list(found):
        if len(token) >= 16:
            for decode in (binascii.unhexlify, base64.urlsafe_b64decode):
                try:
                    found.update(
                        _TOKEN.findall(decode(token + b"=" * (-len(token) % 4 if decode != binascii.unhexlify else 0)))
                    )
                except (binascii.Error, ValueError):
                    continue
    return found


def _first_seen(parts: Sequence[bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for number, part in enumerate(parts):
        for token in _tokens(part):
            found.setdefault(token, number)
    return found


def by_words(held: Held) -> Iterator[Guess]:
    """Look where the keys and words of released rows were first seen, in database, logs, files and responses."""
    for channel, seen in held.first_seen.items():
        found: dict[str, dict[int, str]] = {"choice": {}, "word": {}, "comment": {}}
        for opening in held.openings:
            for row in released(opening, "answer"):
                number = _seen_at(seen, opening, f"{row['id']} {row['word']}")
                if number is not None:
                    found["choice"][number], found["word"][number] = str(row["choice"]), row["word"]
            for row in released(opening, "comment"):
                number = _seen_at(seen, opening, f"{row['id']} {row['words']}")
                if number is not None:
                    found["comment"][number] = row["words"]
        for question, guesses in found.items():
            yield question, f"words seen in {channel}", guesses


def _seen_at(seen: Mapping[bytes, int], opening: Opening, text: str) -> int | None:
    places = Counter(seen[token] for token in _TOKEN.findall(text.encode()) if token in seen)
    inside = set(opening.numbers)
    places = Counter({number: count for number, count in places.items() if number in inside})
    return places.most_common(1)[0][0] if places else None


# -- traces that go with a choice -------------------------------------------------------------------------------------


def features_of(held: Held) -> dict[str, dict[int, str]]:
    """Return every trace that submissions left: its name, and its value for each submission that shows it."""
    found: dict[str, dict[int, str]] = {}
    for channel, parts in held.channels.items():
        for number, part in enumerate(parts):
            found.setdefault(f"size of {channel}", {})[number] = str(len(part))
            for word, value in _NUMBER.findall(part):
                found.setdefault(f"{channel}: {word.decode()}", {})[number] = value.decode()
    for number, capture in enumerate(held.captures):
        lines = re.sub(r"[0-9a-f]{8,}|[\d.:TZ-]+", "", capture.logs)
        found.setdefault("lines logged", {})[number] = hashlib.sha256(lines.encode()).hexdigest()
        for place, response in enumerate(capture.responses):
            for name, value in _parts_of(response):
                found.setdefault(f"response {place}: {name}", {})[number] = value
    for name, number, value in _rows_made_with(held):
        found.setdefault(name, {})[number] = value
    return {name: values for name, values in found.items() if len(values) >= _SUPPORT}


def _parts_of(response: bytes) -> Iterator[tuple[str, str]]:
    """Yield status, headers and body of a response; what is drawn anew for each visitor counts by its length."""
    head, _, body = response.partition(b"\n\n") if b"\r\n\r\n" not in response else response.partition(b"\r\n\r\n")
    for line in head.decode("latin-1").splitlines():
        name, _, value = line.partition(": ")
        yield (name, value) if name not in ("Set-Cookie", "Date") else (f"length of {name}", str(len(value)))
    yield "length", str(len(body))
    yield "body", hashlib.sha256(re.sub(rb'value="[^"]{40,}"|nonce="[^"]*"', b"", body)).hexdigest()


def _rows_made_with(held: Held) -> Iterator[tuple[str, int, str]]:
    """Yield what stands in rows that a submission made, in any table."""
    seen: set[int] = set()
    for opening in held.openings:
        if id(opening.before) in seen:
            continue
        seen.add(id(opening.before))
        for table, rows in opening.before.items():
            if table == "invitation":
                continue
            for row in rows:
                number = held.number_of(opening.before, row)
                if number is None:
                    continue
                for column, value in row.items():
                    plain = bytes(value) if isinstance(value, bytes | memoryview) else None
                    shown = str(len(plain)) if plain is not None else str(value)[:60]
                    yield f"{table}.{column}", number, shown
                    for word, digits in _NUMBER.findall(plain or b""):
                        yield f"{table}.{column}: {word.decode()}", number, digits.decode()


def learned(held: Held, values: Mapping[int, str]) -> dict[int, str]:
    """Guess by what a trace goes with among confederates; a trace that is the choice itself is taken at its word."""
    told = [(values[n], choice) for n, choice in held.choices_told.items() if n in values]
    if len(told) >= 2 and sum(value == choice for value, choice in told) >= 0.9 * len(told):
        return dict(values)
    meanings: dict[str, Counter[str]] = {}
    for value, choice in told:
        meanings.setdefault(value, Counter())[choice] += 1
    return {n: meanings[v].most_common(1)[0][0] for n, v in values.items() if v in meanings}


def combined(held: Held, features: Mapping[str, Mapping[int, str]]) -> dict[int, str]:
    """Weigh all traces that occur with several persons together (naive Bayes), beginning from the published figures."""
    told = held.choices_told
    cells, _ = cells_of(held)
    priors: dict[Cell, Counter[str]] = {}
    for place, opening in enumerate(held.openings):
        for row in released(opening, "answer"):
            priors.setdefault((place, row["stratum"]), Counter())[str(row["choice"])] += 1
    tables = {name: _likelihood(told, values) for name, values in features.items()}
    counts = Counter(told.values())
    guesses = {}
    for number, cell in cells.items():
        scores = {}
        for choice, often in priors.get(cell, {}).items():
            score = log(often)
            for name, table in tables.items():
                value = features[name].get(number)
                if value in table:
                    score += log((table[value][choice] + 0.1) / (counts[choice] + 0.1 * len(table)))
            scores[choice] = score
        if scores:
            guesses[number] = max(scores, key=lambda choice: scores[choice])
    return guesses


def _likelihood(told: Mapping[int, str], values: Mapping[int, str]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for number, choice in told.items():
        if number in values:
            found.setdefault(values[number], Counter())[choice] += 1
    return found if 1 < len(found) <= 50 else {}


def nearest_ballots(held: Held) -> dict[int, str]:
    """Guess for each ballot the choice of the confederate whose ballot has most bytes in common with it."""
    told = [n for n in held.choices_told if n in held.ballots]
    if not told:
        return {}
    ends: Callable[[int], np.ndarray[Any, Any]] = lambda n: np.frombuffer(_ends(held.ballots[n]["sealed"]), np.uint8)  # noqa: E731
    theirs = np.stack([ends(n) for n in told])
    guesses = {}
    for number in held.ballots:
        alike = (theirs == ends(number)).sum(axis=1)
        guesses[number] = held.choices_told[told[int(alike.argmax())]]
    return guesses


def _ends(sealed: Any, size: int = 1024) -> bytes:
    plain = bytes(sealed)
    return plain[:size].ljust(size, b"\0") + plain[-size:].rjust(size, b"\0")
