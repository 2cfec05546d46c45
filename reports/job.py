"""The job ``report``: makes each recipe's report once for each of its periods, freezes it, and mails it to its readers.

A report, and one letter for each reader, are stored in one transaction: a kill at any moment leaves both or neither, and
of two schedulers the database lets one do it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE
from biblio.errors import NotFound, RequestRefused
from biblio.jobs import Job, JobContext, Progress, no_progress, require_running
from biblio.mail import queue
from biblio.observatory import Recipe
from biblio.runtime import Runtime
from biblio.store.models import ObservatoryChoice, ReportSnapshot
from reports.document import Report
from reports.letters import letter_to, recipe_called, send, title
from reports.recipes import Turn, newest_turn, next_turn
from reports.service import Frozen, Made, build_to_freeze, freeze, snapshots
from reports.themes import THEMES

MADE, THERE, BEFORE = "reports_made", "reports_there", "reports_before_the_database"
"""What became of a recipe's turn, as the run counts it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one turn of a recipe: counted under ``word``, said in ``sentence``."""

    word: str
    sentence: str
    letters: int = 0
    refused: int = 0


def run(context: JobContext) -> None:
    """Make what is due of every recipe, then send the letters that wait. What breaks at one recipe stops no other."""
    runtime = context.runtime
    if not runtime.profile.reports.recipes:
        context.note("The profile has no recipes for reports.")
    broken: list[Exception] = []
    for recipe in runtime.profile.reports.recipes:
        try:
            _take_turn(context, recipe)
        except Exception as problem:
            broken.append(problem)
    sent = send(runtime)
    for name, number in sent.plain().items():
        if number:
            context.count(f"letters_{name}", number)
    for sentence in sent.notes:
        context.note(sentence)
    if broken:
        raise broken[0]


def _take_turn(context: JobContext, recipe: Recipe) -> None:
    today = context.runtime.clock.today()
    turn = newest_turn(recipe, today)
    if turn is not None:
        outcome = make(context.runtime, recipe, turn, progress=context.progress, run_id=context.run_id)
        context.count(outcome.word)
        context.count("letters_queued", outcome.letters)
        context.note(outcome.sentence)
    coming = next_turn(recipe, today)
    context.note(f"{recipe.name} {coming.period} is due on {coming.due_on}.")


def make(
    runtime: Runtime, recipe: Recipe, turn: Turn, *, progress: Progress = no_progress, run_id: int | None = None
) -> Outcome:
    """Make a recipe's report of one turn unless it is there, and queue it for its readers.

    ``run_id``: the job's run that does it; raises ``RunSuperseded`` where another took its place.
    """
    with runtime.store.reading() as session:
        if (needless := why_not(session, recipe, turn)) is not None:
            return needless
    built = build_to_freeze(runtime, turn.as_of, progress=progress)
    with runtime.store.writing() as session:
        require_running(session, run_id)
        made = Made(turn.recipe, turn.period)
        frozen = freeze(session, MACHINE, built.report, now=built.known_by, made=made)
        return _kept(runtime, session, recipe, built.report, frozen)


def why_not(session: Session, recipe: Recipe, turn: Turn) -> Outcome | None:
    """Return why a turn is not to be made: it or a later one was, or the database knew nothing on its day; else None."""
    row = ReportSnapshot
    found = select(row.id).where(col(row.recipe) == turn.recipe, col(row.period) == turn.period)
    if session.exec(found).first() is not None:
        return _there(recipe, turn)
    later = select(col(row.period), col(row.as_of)).where(col(row.recipe) == turn.recipe, col(row.as_of) > turn.as_of)
    if (made := session.exec(later.order_by(col(row.as_of).desc())).first()) is not None:  # the clock was set back
        period, as_of = made
        return Outcome(
            THERE, f"{recipe.name} {turn.period} is not made: that of {period}, as of {as_of}, was made before."
        )
    began = session.get(ObservatoryChoice, 1)
    if began is None or began.chosen_at.date() <= turn.as_of:
        return None
    return Outcome(
        BEFORE,
        f"{recipe.name} {turn.period} is not made: this database was begun on {began.chosen_at:%Y-%m-%d} and knew nothing "
        f"on {turn.as_of}.",
    )


def _there(recipe: Recipe, turn: Turn) -> Outcome:
    return Outcome(THERE, f"{recipe.name} {turn.period} was made before.")


def _kept(runtime: Runtime, session: Session, recipe: Recipe, report: Report, frozen: Frozen) -> Outcome:
    """Queue the letters for a report that was just frozen; say what was done."""
    snapshot = frozen.snapshot
    if not frozen.is_new:
        return Outcome(THERE, f"{title(runtime, snapshot)} was made before.")
    queued = refused = 0
    for name, address in runtime.settings.report_readers:
        try:
            queue(session, runtime.settings, letter_to(runtime, snapshot, name, address), now=snapshot.made_at)
            queued += 1
        except RequestRefused:
            refused += 1
    sentence = (
        f"{title(runtime, snapshot)} was made, as of {report.as_of}: snapshot {snapshot.id}, "
        f"{queued} {'letter' if queued == 1 else 'letters'} queued."
    )
    if not queued and not refused:
        sentence += " Nobody is written to: BIBLIO_REPORT_RECIPIENTS is not set."
    if refused:
        sentence += (
            f" {refused} addresses of BIBLIO_REPORT_RECIPIENTS cannot be written to: an operator should mend them."
        )
    return Outcome(MADE, sentence, queued, refused)


def of_recipe(runtime: Runtime, key: str) -> Recipe:
    """Return a recipe of the profile. Raises ``NotFound`` naming those there are."""
    recipe = recipe_called(runtime, key)
    if recipe is None:
        keys = ", ".join(one.key for one in runtime.profile.reports.recipes) or "none"
        raise NotFound(f"The profile has no recipe {key[:40]!r}; there are: {keys}.")
    return recipe


def check(runtime: Runtime) -> list[str]:
    """Return what is not in order with the recipes: themes that there are not."""
    return [
        f"The recipe {recipe.key} names a theme that there is not: {theme}. There are: {', '.join(THEMES)}."
        for recipe in runtime.profile.reports.recipes
        for theme in recipe.themes
        if theme not in THEMES
    ]


def status(runtime: Runtime) -> Iterator[str]:
    """Yield what is frozen, and when each recipe's next report is due, for ``biblio status``."""
    with runtime.store.reading() as session:
        frozen = snapshots(session)
    whole = [one for one in frozen if one.is_whole]
    if whole:
        yield f"Reports            {len(whole)} frozen, the newest as of {whole[0].as_of} (snapshot {whole[0].id})"
    else:
        yield "Reports            none is frozen: `biblio report build` freezes one"
    for recipe in runtime.profile.reports.recipes:
        coming = next_turn(recipe, runtime.clock.today())
        yield f"                   {recipe.name} {coming.period} is due on {coming.due_on}"


REPORT = Job("report", "Make, freeze and mail the reports of the profile's recipes", run, schedule="35 6 * * *")
