"""``biblio evaluate``: how good today's proposals are on what librarians decided, or on a labelled list.

Papers are proposed for anew with the project list, rules, texts and model of today and held against the verdicts in
force, so a change of the rules can be measured before it is used. Nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.verify.learning.labels import Labels, listed, named, proposed_in, verdicts_in_force
from biblio.verify.proposing.facts import load_papers
from biblio.verify.proposing.match import World, world_of_today
from harvesters.errors import HarvestError
from matching.evaluation import Confusion, Evaluation, JudgedPaper
from matching.evaluation import evaluate as measured

AT_ONCE = 50
"""Papers read and proposed for together."""


@click.command(short_help="Measure proposals on the verdicts in force, or on a list.")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="LIST",
    help="A list (.csv, .jsonl) instead of the verdicts in force: as `biblio decisions export` writes it.",
)
@click.option(
    "--candidates",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="C.jsonl",
    help="What `biblio propose` printed; LIST then has `paper` and `project` as there. Needs no database.",
)
@click.option(
    "--complete",
    is_flag=True,
    help="LIST names every project of its papers (with --candidates: of all papers), so all others are wrong.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def evaluate(
    ctx: click.Context, file: Path | None, candidates: Path | None, complete: bool, as_json: bool, quiet: bool
) -> None:
    """Measure today's proposals on the verdicts in force: precision, recall, honesty, and what misleads.

    Nothing is written. A paper counts when somebody accepted or rejected a project for it, or found it none of ours.
    With --file a list takes the place of the verdicts; without --complete only the pairs it names are counted.

    \b
    Examples:
      biblio evaluate
      biblio evaluate --json
      biblio evaluate --file last-year.csv --complete
      biblio evaluate --file truth.jsonl --candidates candidates.jsonl --complete
    """
    if file is None and (candidates is not None or complete):
        raise click.UsageError("--candidates and --complete say what --file LIST is held against; name the list.")
    try:
        with tqdm(unit=" papers", disable=quiet or as_json or None) as bar:
            if candidates is not None and file is not None:
                labels = named(file, complete=complete)
                found = measured(_counted(proposed_in(candidates, labels, complete=complete), bar))
            else:
                labels, found = evaluated(ctx.obj(), bar, file, complete=complete)
    except (RequestRefused, HarvestError, OSError) as reason:
        raise click.ClickException(str(reason)) from reason
    for sentence in labels.sentences:
        click.echo(sentence, err=True)
    _refuse_figures_of_nothing(candidates, labels, found)
    if as_json:
        click.echo(json.dumps({**_plain(found), "refused": labels.refused}))
        return
    for line in _lines(found):
        click.echo(line)
    if labels.refused:
        click.echo(f"{labels.refused} rows of the list could not be used.", err=True)


def _refuse_figures_of_nothing(candidates: Path | None, labels: Labels, found: Evaluation) -> None:
    """Raise where no pair was judged for want of a readable one: such figures would look like those of a bad matcher."""
    if candidates is not None and not found.figures.pairs and labels.refused:
        raise click.ClickException(
            f"Nothing in {candidates} could be judged: see the lines above. --file takes the list of what is right, "
            "--candidates what `biblio propose` printed."
        )
    if not found.figures.pairs and not found.missed:
        raise click.ClickException("No pair could be judged: see the lines above, or give --complete for a whole list.")


def _counted(papers: Iterable[JudgedPaper], bar: tqdm[Any]) -> Iterator[JudgedPaper]:
    for paper in papers:
        yield paper
        bar.update()


def evaluated(
    runtime: Runtime, bar: tqdm[Any], file: Path | None = None, *, complete: bool = False
) -> tuple[Labels, Evaluation]:
    """Return what was judged and how good today's proposals for it are.

    Raises ``RequestRefused`` when nothing can be measured.
    """
    world = world_of_today(runtime)
    with runtime.store.reading() as session:
        if file is None:
            labels = verdicts_in_force(session)
        else:
            labels = listed(session, file, runtime.grammar, complete=complete)
    papers = labels.papers()
    if not papers and file is None:
        raise RequestRefused("Nobody has decided about a paper yet, so there is nothing to measure proposals against.")
    if world.problem is not None:
        labels.sentences.append(world.problem)
    bar.total = len(papers)

    def judged() -> Iterator[JudgedPaper]:
        for start in range(0, len(papers), AT_ONCE):
            yield from _proposed(world, papers[start : start + AT_ONCE], labels)

    return labels, measured(_counted(judged(), bar))


def _proposed(world: World, ids: Sequence[int], labels: Labels) -> Iterator[JudgedPaper]:
    """Propose for these papers, and say what people found."""
    with world.runtime.store.reading() as session:
        papers = load_papers(session, ids, world.registry)
    mentions = {paper.facts.id: paper.mentions for paper in papers}
    found = dict(world.proposer.propose_many((paper.facts for paper in papers), mentions))
    for paper in papers:
        yield labels.judged(paper.paper_id, paper.facts.id, found.get(paper.facts.id, []))


def _called(found: Evaluation) -> Confusion:
    """All pairs together; a right project that was never proposed counts as passed."""
    every = list(found.by_kind.values())
    return Confusion(
        called_right=sum(one.called_right for one in every),
        called_wrong=sum(one.called_wrong for one in every),
        passed_right=sum(one.passed_right for one in every) + found.missed,
        passed_wrong=sum(one.passed_wrong for one in every),
    )


def _plain(found: Evaluation) -> dict[str, object]:
    called = _called(found)
    return {
        **found.figures.plain(),
        "precision": called.precision,
        "recall": called.recall,
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
    told, called = found.figures, _called(found)
    yield f"{told.papers} papers judged: {told.pairs} proposed pairs, {told.right} right ones, {found.missed} of them not proposed"
    yield f"called right (certain or likely): precision {_share(called.precision)}, recall {_share(called.recall)}"
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
    yield "Each pair under its strongest evidence; passed: not called right."
    yield "led by        called right  called wrong  passed right  passed wrong  precision  recall"
    for kind, confusion in found.by_kind.items():
        yield _confusion(kind, confusion)
    yield _confusion("all", called) + (f"   ({found.missed} not proposed, counted as passed)" if found.missed else "")


def _confusion(kind: str, one: Confusion) -> str:
    counts = "  ".join(f"{n:12d}" for n in (one.called_right, one.called_wrong, one.passed_right, one.passed_wrong))
    return f"{kind:<14}{counts}  {_share(one.precision):>9}  {_share(one.recall):>6}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
