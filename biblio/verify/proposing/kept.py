"""Which candidates of a paper the desk keeps: the pure part of matching, which workers of bulk work do too.

Imports nothing of the database, so that a worker starts quickly and has nothing to reach it with.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matching.codes import Mention
from matching.evidence import PaperFacts
from matching.propose import Candidate, Proposer

KEPT_UNLIKELY = 5
"""Unlikely candidates kept per paper, so that a librarian sees what else came near."""

LOWEST_SCORE = 0.001
"""Candidates below this say nothing and are not kept, unless a code in the text names them."""

Kept = list[tuple[str, str, float]]
"""What is kept of a paper's candidates, best first: project code, band, score."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some papers as workers are given them, and the hash of what each is matched with, by its number."""

    papers: list[tuple[PaperFacts, list[Mention]]]
    digests: dict[int, str]


def worth_keeping(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return those of a paper's candidates that the desk keeps, in their order."""
    kept, unlikely = [], 0
    for candidate in candidates:
        if candidate.band == "unlikely":
            named = any(e.kind in ("code", "code_repaired") for e in candidate.evidence)
            if unlikely >= KEPT_UNLIKELY or (candidate.score < LOWEST_SCORE and not named):
                continue
            unlikely += 1
        kept.append(candidate)
    return kept


def propose_piece(proposer: Proposer, piece: Piece) -> dict[str, Kept]:
    """Propose for some papers, by their ids; plain data in and out, nothing is read or written."""
    return {
        paper: [(one.project_code, one.band, one.score) for one in worth_keeping(candidates)]
        for paper, candidates in proposer.propose_pairs(piece.papers)
    }
