"""What a preprint lacks: examples, and that nobody is ever accused on a guess."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.contacts.faults import Believed, Finding, Quote, SeenCode, Standing, TextSeen, find_fault
from biblio.store.words import ContactFault

ONE, TWO, NEW = "2016.1.00001.S", "2017.1.00002.S", "2026.1.09999.S"
STATEMENT = Quote("", "makes use of the following ALMA data", ".", "acknowledgement", "ms.tex")
USE = Quote("We ", "observed the disc with ALMA", ".", "body", "ms.tex")
SURE = Believed(accepted=frozenset({ONE}))


def seen(code: str = ONE, **changes: object) -> SeenCode:
    """A code printed in the acknowledgements, with the prefix."""
    quote = Quote("data: ADS/JAO.ALMA#", code, ".", str(changes.get("stands_in", "acknowledgement")), "ms.tex")
    usual = SeenCode(code, code, in_registry=True, certain=True, stands_in="acknowledgement", is_use=True, has_prefix=True, quote=quote)  # fmt: skip
    return replace(usual, **changes)  # type: ignore[arg-type]


def text(**changes: object) -> TextSeen:
    """A whole TeX manuscript of version 1 that uses data and says nothing more."""
    usual = TextSeen(7, "2601.00001v1", 1, "tex", 40_000, 0, is_read_for_statements=True, named=12, uses=(USE,))
    return replace(usual, **changes)  # type: ignore[arg-type]


def found(
    read: TextSeen | None, *elsewhere: SeenCode, believed: Believed = SURE, newest: int | None = 1, judges: bool = True
) -> Finding:
    """Ask the rule."""
    return find_fault(read, elsewhere, believed, newest=newest, judges_statements=judges)


@pytest.mark.parametrize(
    ("read", "fault", "words"),
    [
        (text(), ContactFault.NO_STATEMENT, "neither the statement nor"),
        (text(statements=(STATEMENT,)), ContactFault.NO_CODE, "names no project code"),
        (
            text(codes=(seen(stands_in="body", has_prefix=False),)),
            ContactFault.NO_STATEMENT,
            f"prints {ONE}, but not the",
        ),
        (text(codes=(seen(as_written="2016.1.0001.S"),)), ContactFault.WRONG_CODE, f"{ONE} seems to be meant"),
        (text(codes=(seen(NEW, in_registry=False),)), ContactFault.WRONG_CODE, f"does not hold, and not {ONE}"),
        (text(codes=(seen(TWO),)), None, "names"),
        (text(codes=(seen(stands_in="comment"),)), ContactFault.NO_STATEMENT, "neither"),
    ],
    ids=["nothing", "no-code", "no-statement", "misprint", "unknown", "another", "comment"],
)
def test_what_a_whole_text_lacks_is_said_in_words(read: TextSeen, fault: ContactFault | None, words: str) -> None:
    """Each fault has its sentence, and names the reading and the version it rests on."""
    finding = found(read)
    assert (finding.fault, finding.reading_id, finding.version) == (fault, 7, "2601.00001v1")
    assert words in finding.sentence


def test_a_code_that_a_librarian_refused_is_wrong() -> None:
    """The printed project's data were not used, another's were: a wrong code; without another it cannot be told."""
    read = text(codes=(seen(TWO),))
    refused = Believed(accepted=frozenset({ONE}), refused=frozenset({TWO}))
    assert found(read, believed=refused).fault is ContactFault.WRONG_CODE
    assert found(read, believed=Believed(refused=frozenset({TWO}))).standing is Standing.UNTOLD


@pytest.mark.parametrize(
    ("read", "standing"),
    [
        (text(codes=(seen(),)), Standing.IN_ORDER),
        (text(codes=(seen(stands_in="body", has_prefix=True),)), Standing.IN_ORDER),
        (text(codes=(seen(stands_in="body", has_prefix=False),), statements=(STATEMENT,)), Standing.IN_ORDER),
        (text(codes=(seen(as_written="#00001.S"),)), Standing.IN_ORDER),
        (text(codes=(seen(as_written=r"2016.1.00001.\,S"),)), Standing.IN_ORDER),
        (text(codes=(seen(as_written="2016.1.0001.S"),), format="pdf"), Standing.IN_ORDER),
        (None, Standing.UNREAD),
        (text(number=1, name="2601.00001v1"), Standing.FAULT),
        (text(is_read_for_statements=False), Standing.UNTOLD),
        (text(unread_parts=1), Standing.UNTOLD),
        (text(unread_parts=None, format="pdf"), Standing.UNTOLD),
        (text(characters=300), Standing.UNTOLD),
        (text(named=0), Standing.UNTOLD),
        (text(codes=(seen(certain=False),)), Standing.UNTOLD),
        (text(codes=(seen(is_use=False),)), Standing.UNTOLD),
        (text(codes=(seen(stands_in="references"),)), Standing.UNTOLD),
    ],
    ids=range(16),
)
def test_only_a_whole_text_without_doubt_is_at_fault(read: TextSeen | None, standing: Standing) -> None:
    """In order, not read, or not to be told: whatever leaves a doubt is no fault."""
    assert found(read).standing is standing


def test_an_older_version_is_never_accused() -> None:
    """While version 2 waits to be read, what version 1 lacks says nothing."""
    finding = found(text(), newest=2)
    assert finding.standing is Standing.UNREAD
    assert "Version 2" in finding.sentence


def test_another_text_of_the_paper_clears_it() -> None:
    """A passage that ADS shows, or a file of the library, with the code: the newest printing may have it."""
    assert found(text(), seen()).standing is Standing.IN_ORDER
    assert found(text(), seen(stands_in="body", has_prefix=False)).standing is Standing.UNTOLD


def test_a_code_beyond_the_project_list_alone_is_no_fault() -> None:
    """Project lists lag: without another certain project an unknown code may well be right."""
    finding = found(text(codes=(seen(NEW, in_registry=False),)), believed=Believed(likely=frozenset({ONE})))
    assert finding.standing is Standing.UNTOLD
    assert "may lag" in finding.sentence


def test_without_a_table_of_statements_only_codes_are_judged() -> None:
    """A profile that does not say what a statement is: a code anywhere is enough."""
    assert found(text(codes=(seen(stands_in="body", has_prefix=False),)), judges=False).standing is Standing.IN_ORDER


CODES = st.builds(
    lambda code, written, known, certain, where, use, prefix: seen(
        code,
        as_written=written or code,
        in_registry=known,
        certain=certain,
        stands_in=where,
        is_use=use,
        has_prefix=prefix,
    ),
    st.sampled_from([ONE, TWO, NEW]),
    st.sampled_from(["", "2016.1.0001.S", "x"]),
    st.sampled_from([True, False, None]),
    st.booleans(),
    st.sampled_from(["acknowledgement", "data_statement", "footnote", "body", "references", "comment", "unknown"]),
    st.sampled_from([True, False, None]),
    st.booleans(),
)
TEXTS = st.builds(
    text,
    number=st.sampled_from([None, 1, 2]),
    format=st.sampled_from(["tex", "text", "pdf"]),
    characters=st.sampled_from([0, 500, 2_900, 40_000]),
    unread_parts=st.sampled_from([None, 0, 2]),
    is_read_for_statements=st.booleans(),
    named=st.sampled_from([None, 0, 9]),
    codes=st.lists(CODES, max_size=4).map(tuple),
    statements=st.sampled_from([(), (STATEMENT,)]),
)
SETS = st.frozensets(st.sampled_from([ONE, TWO]), max_size=2)
BELIEVED = st.builds(Believed, accepted=SETS, certain=SETS, likely=SETS, refused=SETS)


@given(TEXTS, st.lists(CODES, max_size=3), BELIEVED, st.sampled_from([None, 1, 2]))
def test_a_fault_rests_on_a_whole_newest_text(
    read: TextSeen, elsewhere: list[SeenCode], believed: Believed, newest: int | None
) -> None:
    """Whatever was read: a fault is said only of a whole text of the newest version, and names what it rests on."""
    finding = found(read, *elsewhere, believed=believed, newest=newest)
    assert (finding.fault is not None) == (finding.standing is Standing.FAULT)
    assert finding.sentence.endswith(".")
    if finding.fault is None:
        return
    assert read.is_read_for_statements
    assert not read.unread_parts
    assert read.characters >= 3_000
    assert read.named
    assert newest is None or read.number is None or read.number >= newest
    assert (finding.reading_id, finding.version) == (read.reading_id, read.name)


@given(TEXTS, BELIEVED)
def test_a_text_that_names_a_project_as_asked_is_never_at_fault(read: TextSeen, believed: Believed) -> None:
    """Adding the statement's code to any text of the newest version clears it."""
    believed = replace(believed, refused=believed.refused - {ONE})
    finding = found(replace(read, codes=(*read.codes, seen())), believed=believed, newest=None)
    assert finding.standing is Standing.IN_ORDER


@given(TEXTS, st.lists(CODES, max_size=3), BELIEVED)
def test_the_order_of_what_was_read_changes_nothing(
    read: TextSeen, elsewhere: list[SeenCode], believed: Believed
) -> None:
    """Codes turned around give the same finding."""
    turned = replace(read, codes=read.codes[::-1])
    one, other = found(read, *elsewhere, believed=believed), found(turned, *elsewhere[::-1], believed=believed)
    assert (one.standing, one.fault) == (other.standing, other.fault)


@given(TEXTS, CODES, BELIEVED)
def test_a_comment_of_the_source_changes_nothing(read: TextSeen, code: SeenCode, believed: Believed) -> None:
    """What TeX does not print was not said."""
    silent = replace(code, stands_in="comment", quote=replace(code.quote, stands_in="comment"))
    assert found(read, believed=believed) == found(replace(read, codes=(*read.codes, silent)), believed=believed)


@given(st.lists(CODES, max_size=4), BELIEVED)
def test_a_text_that_was_not_read_is_never_at_fault(elsewhere: list[SeenCode], believed: Believed) -> None:
    """Whatever else is known: without a reading there is no fault."""
    assert found(None, *elsewhere, believed=believed).standing is Standing.UNREAD
