"""What settles whether two records are one paper before anything is weighed: vetoes with a reason, and identifiers."""

import re

from rapidfuzz import fuzz

from matching.work_features import authors_in_common
from matching.work_text import Reading

__all__ = ["is_borne_out", "shared_identifier", "veto"]

_APART = ("thesis", "data", "proposal")
"""Kinds that are never one paper with another kind."""
_NOTICES = {"comment": "comment", "repl": "answer", "response": "answer", "retract": "retraction"}
"""How a notice begins → what it is; all others are names of a correction."""


def veto(a: Reading, b: Reading) -> str | None:
    """The reason in words, or ``None``; symmetric."""
    if a.work.arxiv and b.work.arxiv and a.work.arxiv != b.work.arxiv:
        one, other = sorted((a.work.arxiv, b.work.arxiv))
        return f"two arXiv numbers, {one} and {other}"
    if bool(a.notice) != bool(b.notice):
        return f'only one title says "{a.notice or b.notice}"'
    if a.notice and b.notice and _sort_of_notice(a.notice) != _sort_of_notice(b.notice):
        first, second = sorted((a.notice, b.notice))
        return f'one title says "{first}", the other "{second}"'
    if a.piece != b.piece:
        return _pieces(a.piece, b.piece)
    if a.component != b.component or (a.component and a.work.doi != b.work.doi):
        return "one is a component of a publication, the other another one or the whole"
    if a.version_of and b.version_of and a.version_of != b.version_of and _share_nobody(a, b):
        return "two DOIs, and no author in common"
    kinds = {k for k in (a.kind, b.kind) if k}
    if len(kinds) == 2 and kinds & set(_APART):
        return f"one is {_with_article(min(kinds))}, the other {_with_article(max(kinds))}"
    if {a.work.stated, b.work.stated} == {"meeting", "article"} and (a.version_of or "a") != (b.version_of or "b"):
        return "one is a meeting contribution, the other a journal's article"
    if kinds == {"data"} and a.kind != b.kind and a.version_of and b.version_of and a.version_of != b.version_of:
        return "one is a data set, the other has a DOI of its own"
    return _numbers(a, b)


def _sort_of_notice(notice: str) -> str:
    """A comment, an answer and a retraction are each their own; all others are names of a correction."""
    return next((sort for stem, sort in _NOTICES.items() if notice.startswith(stem)), "correction")


def shared_identifier(a: Reading, b: Reading) -> str | None:
    """The name of an identifier that both records have and that is the same, a mark of its version aside."""
    if a.version_of and a.version_of == b.version_of:
        return "DOI"
    return "arXiv number" if a.work.arxiv and a.work.arxiv == b.work.arxiv else None


def is_borne_out(a: Reading, b: Reading) -> bool:
    """Whether titles or authors agree enough to believe an identifier, because records carry wrong ones."""
    if not a.words or not b.words or fuzz.token_sort_ratio(" ".join(a.words), " ".join(b.words)) >= 60:
        return True
    return authors_in_common(a.people, b.people) >= 0.5 * min(len(a.people), len(b.people)) > 0


def _share_nobody(a: Reading, b: Reading) -> bool:
    """Both name people, none of whom may be the same, and neither names a group that may stand for them."""
    everyone = all(r.people and r.count == len(r.work.authors) for r in (a, b))
    return everyone and authors_in_common(a.people, b.people) == 0


def _with_article(word: str) -> str:
    word = {"data": "data set", "meeting": "meeting contribution"}.get(word, word)
    return f"{'an' if word[:1] in 'aeiou' else 'a'} {word}"


def _pieces(one: str | None, other: str | None) -> str:
    if one and other:
        first, second = sorted((one, other))
        return f"two pieces of something: {first} and {second}"
    return f'only one title says "{one or other}"'


def _numbers(a: Reading, b: Reading) -> str | None:
    """Numbered parts that differ, or measures, names and years in titles that are otherwise alike."""
    if not a.words or not b.words:
        return None
    one, other = " ".join(a.words), " ".join(b.words)
    alike = max(fuzz.ratio(one, other), fuzz.token_set_ratio(one, other) if a.part != b.part else 0.0)
    if a.part != b.part and alike > 70 and (None not in (a.part, b.part) or max(a.part or 0, b.part or 0) > 1):
        first, second = sorted(("none" if p is None else str(p)) for p in (a.part, b.part))
        return f"numbered parts differ ({first} and {second})"
    if alike > 85 and _other_numbers(a.numbers, b.numbers):
        return "the numbers in the titles differ"
    return None


def _other_numbers(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Each title has a number that the other lacks, not even as a piece of its digits ("2005-10" beside "2010")."""
    glued = re.sub(r"\D", "", "".join(one)), re.sub(r"\D", "", "".join(other))
    lacks = (
        [n for n in one if re.sub(r"\D", "", n) not in glued[1]],
        [n for n in other if re.sub(r"\D", "", n) not in glued[0]],
    )
    return bool(lacks[0]) and bool(lacks[1]) and glued[0] != glued[1]
