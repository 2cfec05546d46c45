"""Use or mention on the paper page: proposed with its quotes, chosen by nobody but a person."""

from __future__ import annotations

from sqlmodel import Session

from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import SourceRecord, TextPhrase, TextReading
from biblio.verify.paper.read import read_paper
from biblio.verify.paper.relation_proposal import RelationProposal, relation_proposal
from biblio.verify.proposing.match import match
from tests.verify.conftest import Login
from tests.verify.factories import SEEN, add_mention, add_paper, add_project

CODE = "2016.1.00001.S"
PLAN = "Future observations with ALMA will settle this"


def add_text(
    session: Session, paper: int, *phrases: tuple[str, str, str], named: int = 3, digest: str | None = "0"
) -> None:
    """Add a reading of a whole text with phrases (kind, words, where they stand)."""
    reading = TextReading(
        paper_id=paper, origin="folder", place="text.tex", format="tex", sha256="1" * 64, characters=60_000,
        read_at=SEEN, phrases_digest=digest, named=None if digest is None else named,
    )  # fmt: skip
    session.add(reading)
    session.flush()
    assert reading.id is not None
    for n, (kind, words, where) in enumerate(phrases):
        session.add(
            TextPhrase(
                reading_id=reading.id, kind=kind, part="text.tex", start=5_000 * n + 10, end=5_000 * n + 10 + len(words),
                printed=words, stands_in=where, context=f"Before it {words}, after it.", context_start=5_000 * n,
            )
        )  # fmt: skip
    session.flush()


def proposed(runtime: Runtime, paper: int) -> RelationProposal:
    """The proposal for a paper as stored now."""
    with runtime.store.reading() as session:
        return relation_proposal(session, runtime.profile, runtime.relation_rules, read_paper(session, paper))


def test_a_mention_is_proposed_with_its_quotes(runtime: Runtime) -> None:
    """The phrases kept of a full text are weighed, quoted and summed."""
    with runtime.store.writing() as session:
        paper = add_paper(session)
        add_text(session, paper, ("future", PLAN, "body"), ("named", "ALMA", "body"))
    found = proposed(runtime, paper)
    assert (found.key, found.band, found.has_full_text) == ("mention", "likely", True)
    side = found.sides[0]
    assert side.key == "mention"
    assert side.start + side.more + sum(r.contribution for r in side.reasons) == side.score
    assert side.reasons[0].sentence == "Observations with ALMA are announced, proposed or suggested."
    marks = {segment.mark: segment.text for place in found.passages for segment in place.segments if segment.mark}
    assert marks[side.reasons[0].mark or ""] == PLAN


def test_codes_of_the_text_count(runtime: Runtime) -> None:
    """A code where authors say whose data they used speaks for science, with its own passage."""
    with runtime.store.writing() as session:
        paper = add_paper(session, abstract="We present ALMA observations of the ring.")
        add_mention(session, paper, CODE)
    found = proposed(runtime, paper)
    assert found.key == "science"
    assert any(segment.text == CODE and segment.mark for place in found.passages for segment in place.segments)


def test_a_record_alone_says_that_it_cannot_tell(runtime: Runtime) -> None:
    """Nothing is proposed from an abstract that does not name us, and the page says why."""
    with runtime.store.writing() as session:
        paper = add_paper(session)
    found = proposed(runtime, paper)
    assert (found.key, found.has_full_text, found.is_unread) == (None, False, False)
    assert "nothing in them names ALMA" in found.sentence


def test_a_text_read_before_says_so(runtime: Runtime, login: Login) -> None:
    """A reading made before phrases were kept is told apart from one that found none."""
    with runtime.store.writing() as session:
        paper = add_paper(session)
        add_text(session, paper, digest=None)
    assert proposed(runtime, paper).is_unread
    page = login().get(f"/desk/paper/{paper}").get_data(as_text=True)
    assert "was not read for this yet" in page


def test_passages_of_a_service_stand_in_for_a_text(runtime: Runtime) -> None:
    """Where no full text was read, the passages that ADS shows are; they prove nothing by what they lack."""
    snippets = [["ack", "This paper makes use of the following <em>ALMA</em> data."]]
    with runtime.store.writing() as session:
        paper = add_paper(session, abstract="")
        session.add(
            SourceRecord(
                paper_id=paper, source="ads", key="k", learned_at=SEEN, record={"snippets": snippets}, digest="0" * 64
            )
        )  # fmt: skip
    found = proposed(runtime, paper)
    assert (found.key, found.band) == ("science", "likely")
    with runtime.store.writing() as session:
        add_text(session, paper, named=0)
    assert proposed(runtime, paper).key == "not_ours"  # the whole text was read since, and does not name us


def test_the_page_proposes_and_chooses_nothing(runtime: Runtime, login: Login) -> None:
    """The proposal stands beside the classes with a key to take it; no class is preselected by it."""
    with runtime.store.writing() as session:
        paper = add_paper(session)
        add_text(session, paper, ("future", PLAN, "body"))
    page = login().get(f"/desk/paper/{paper}").get_data(as_text=True)
    assert f">{PLAN}</mark>" in page
    assert 'for="relation-mention" data-key="p"' in page
    assert 'value="mention" id="relation-mention" data-key="3" checked' not in page
    assert "checked" not in page.partition('id="relation"')[2].partition("</fieldset>")[0]


def test_science_is_not_preselected_against_the_text(runtime: Runtime, login: Login) -> None:
    """A certain candidate suggests science, but not where the text speaks for another class; agreed ones still do."""
    with runtime.store.writing() as session:
        add_project(session)
        agreed, disputed = add_paper(session), add_paper(session, title="More on Tamsin 7")
        add_mention(session, agreed, CODE)
        add_mention(session, disputed, CODE)
        add_text(session, disputed, *[("others", f"previously observed with ALMA {n}", "title") for n in range(4)],
                 *[("future", PLAN, "title")] * 3, *[("instrument_title", "receiver", "title")] * 4)  # fmt: skip
    run_job(runtime, match)
    client = login()
    page = client.get(f"/desk/paper/{agreed}").get_data(as_text=True)
    assert "(chosen beforehand)" in page
    assert "is chosen beforehand, because" in page
    assert "Nothing is chosen until" not in page
    assert proposed(runtime, disputed).key not in (None, "science")
    assert "(chosen beforehand)" not in client.get(f"/desk/paper/{disputed}").get_data(as_text=True)


def test_what_a_person_decided_stays(runtime: Runtime, login: Login) -> None:
    """A judgement in force is shown and chosen; the proposal changes nothing of it."""
    with runtime.store.writing() as session:
        project, paper = add_project(session), add_paper(session)
        add_text(session, paper, ("future", PLAN, "body"))
    client = login()
    data = {"project": project, f"version-{project}": 0, "verdict": "accept", "relation": "science"}
    assert client.post(f"/desk/paper/{paper}/decide", data=data).status_code == 302
    page = client.get(f"/desk/paper/{paper}").get_data(as_text=True)
    assert "judged by Vera" in page
    assert 'value="science" id="relation-science" data-key="1" checked' in page


def test_hostile_phrases_are_shown_as_text(runtime: Runtime, login: Login) -> None:
    """What a stranger wrote is escaped, and offsets that fit nothing break nothing."""
    with runtime.store.writing() as session:
        paper = add_paper(
            session, title="ALMA <script>alert(1)</script>", abstract="<b onclick=x>We observed with ALMA data</b>"
        )
        add_text(
            session, paper, ("own_data", "<script>alert(2)</script> ALMA", "body"), ("unknown kind", "ALMA", "body")
        )
    answer = login().get(f"/desk/paper/{paper}")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.get_data(as_text=True)
