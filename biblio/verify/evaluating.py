"""``biblio evaluate``: how good today's proposals are on what librarians decided.

Papers are proposed for anew with the project list, rules and texts of today and held against the verdicts in force, so
a change of the rules can be measured before it is used. Nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import click
import sqlalchemy as sa
from sqlmodel import Session
from tqdm import tqdm

from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.current import live_links, live_relations
from biblio.store.models import Project
from biblio.store.words import RelationKind, Verdict
from biblio.verify.facts import load_papers, load_projects
from biblio.verify.match import World
from matching.evaluation import Confusion, Evaluation, JudgedPaper
from matching.evaluation import evaluate as measured

AT_ONCE = 50
"""Papers read and proposed for together."""

_NONE_OF_OURS = (RelationKind.NOT_OURS, RelationKind.MENTION)
"""Papers of these relations used none of the projects, so every candidate of theirs is wrong."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def evaluate(ctx: click.Context, as_json: bool, quiet: bool) -> None:
    """Measure today's proposals on the verdicts in force: precision, recall, honesty, and what misleads.

    Nothing is written. A paper counts when somebody accepted or rejected a project for it, or found it none of ours.

    \b
    Examples:
      biblio evaluate
      biblio evaluate --json
    """
    runtime: Runtime = ctx.obj()

    def counted(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    try:
        with tqdm(unit=" papers", disable=quiet or as_json or None) as bar:
            found = evaluated(runtime, counted)
    except RequestRefused as reason:
        raise click.ClickException(str(reason)) from reason
    if as_json:
        click.echo(json.dumps(_plain(found)))
        return
    for line in _lines(found):
        click.echo(line)


def evaluated(runtime: Runtime, progress: Callable[[int, int], None]) -> Evaluation:
    """Return how good today's proposals are. Raises ``RequestRefused`` when nothing can be measured."""
    with runtime.store.reading() as session:
        projects = load_projects(session, runtime.profile)
        right, wrong, none = _verdicts(session)
    papers = sorted({*right, *wrong, *none})
    if not projects.facts:
        raise RequestRefused("There are no projects to match with: run `biblio harvest --source projects` first.")
    if not papers:
        raise RequestRefused("Nobody has decided about a paper yet, so there is nothing to measure proposals against.")
    world = World(runtime, projects)

    def judged() -> Iterator[JudgedPaper]:
        for start in range(0, len(papers), AT_ONCE):
            chunk = papers[start : start + AT_ONCE]
            yield from _proposed(world, chunk, right, wrong, none)
            progress(start + len(chunk), len(papers))

    return measured(judged())


def _verdicts(session: Session) -> tuple[dict[int, set[str]], dict[int, set[str]], set[int]]:
    """Return for each paper the codes found right and wrong, and the papers that used none of the projects."""
    links, relations = live_links(), live_relations()
    right: dict[int, set[str]] = {}
    wrong: dict[int, set[str]] = {}
    rows = session.execute(
        sa.select(links.c.paper_id, Project.code, links.c.verdict)  # type: ignore[call-overload]
        .join(Project, Project.id == links.c.project_id)
        .where(links.c.verdict.in_((Verdict.ACCEPT, Verdict.REJECT)))
    )
    for paper_id, code, verdict in rows:
        (right if verdict is Verdict.ACCEPT else wrong).setdefault(paper_id, set()).add(code)
    none = session.execute(sa.select(relations.c.paper_id).where(relations.c.relation.in_(_NONE_OF_OURS))).scalars()
    return right, wrong, {paper_id for paper_id in none if paper_id not in right}


def _proposed(
    world: World, ids: Sequence[int], right: dict[int, set[str]], wrong: dict[int, set[str]], none: set[int]
) -> Iterator[JudgedPaper]:
    """Propose for these papers, and say what people found."""
    with world.runtime.store.reading() as session:
        papers = load_papers(session, ids, world.registry)
    mentions = {paper.facts.id: paper.mentions for paper in papers}
    found = dict(world.proposer.propose_many((paper.facts for paper in papers), mentions))
    for paper in papers:
        number = paper.paper_id
        yield JudgedPaper(
            paper.facts.id,
            found.get(paper.facts.id, []),
            frozenset(right.get(number, ())),
            frozenset(wrong.get(number, ())),
            is_settled=number in none,
        )


def _plain(found: Evaluation) -> dict[str, object]:
    return {
        **found.figures.plain(),
        "missed": found.missed,
        "bins": [asdict(one) for one in found.bins],
        "by_band": {band: {"right": right, "pairs": pairs} for band, (right, pairs) in found.by_band.items()},
        "by_evidence": {
            kind: {**asdict(one), "precision": one.precision, "recall": one.recall}
            for kind, one in found.by_kind.items()
        },
    }


def _lines(found: Evaluation) -> Iterator[str]:
    """The figures as tables."""
    told = found.figures
    yield f"{told.papers} papers judged: {told.pairs} proposed pairs, {told.right} right ones, {found.missed} of them not proposed"
    yield f"average precision {told.average_precision:.3f}, recall at precision 0.99 {told.recall_at_99:.3f}"
    yield f"calibration error {told.calibration_error:.4f} (how far probabilities are from what was true)"
    yield ""
    yield "score      pairs  said   true"
    for one in found.bins:
        yield f"{one.low:.1f}–{one.low + 0.1:.1f} {one.pairs:9d}  {one.said:.3f}  {one.true:.3f}"
    yield ""
    yield "band            right  of pairs"
    for band, (right, pairs) in found.by_band.items():
        yield f"{band:<12} {right:8d} {pairs:9d}"
    yield ""
    yield "led by        called right  called wrong  passed right  passed wrong  precision  recall"
    for kind, confusion in found.by_kind.items():
        yield _confusion(kind, confusion)


def _confusion(kind: str, one: Confusion) -> str:
    def share(value: float | None) -> str:
        return "–" if value is None else f"{value:.3f}"

    counts = "  ".join(f"{n:12d}" for n in (one.called_right, one.called_wrong, one.passed_right, one.passed_wrong))
    return f"{kind:<12}{counts}  {share(one.precision):>9}  {share(one.recall):>6}"
