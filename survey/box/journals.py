"""What answers say about journals that we do not read, handed on as bare names when a ballot box is opened.

An answer that there is a publication names its journal. Librarians, who never see answers, are told the name and how
often it came, no more: no campaign, no comment, and nothing that ties it to a person or a project. What is more than a
journal's name (``catalogue.journals.name_in_answer``) stays with the answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlmodel import Session

from biblio.catalogue.journals import name_in_answer, suggest_journal
from biblio.observatory import Questionnaire
from biblio.runtime import Runtime
from biblio.store.words import SuggestionOrigin
from survey.questionnaire import Filled


def suggest_journals(session: Session, runtime: Runtime, questionnaire: Questionnaire, filled: Sequence[Filled]) -> int:
    """Suggest the journals that released answers name, in alphabetical order; return how many names came.

    Only for answers that may be released: the caller has counted that enough persons answered.
    """
    names: Counter[str] = Counter()
    status = questionnaire.status
    for chosen in (each for one in filled for each in one.chosen if each.question == status.key):
        reason = status.choice(chosen.choice)
        if reason is not None and reason.group == "published" and reason.detail and chosen.word:
            name = name_in_answer(chosen.word)
            if name is not None:
                names[name] += 1
    for name, times in sorted(names.items()):
        suggest_journal(
            session,
            runtime.profile,
            name,
            SuggestionOrigin.QUESTIONNAIRE,
            now=runtime.clock.now(),
            times=times,
        )
    return len(names)
