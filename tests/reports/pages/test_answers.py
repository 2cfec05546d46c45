"""What released campaigns say on the page of silent projects: it leads to definitions and campaigns, never to rows."""

from __future__ import annotations

import re
from datetime import timedelta

from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.store.models import PastTotal
from biblio.store.words import Role
from biblio.web import create_app
from reports.feature import feature as reports
from survey.feature import feature as survey
from tests.survey.released import add_campaign
from tests.web.visitors import logged_in


def test_answers_lead_to_their_definition_and_to_the_campaign(sqlite_runtime: Runtime) -> None:
    """Each number of answers is a link to what it means, each campaign's name one to its own figures."""
    told = {"questionnaires_sent": 1278, "questionnaires_completed": 965, "source": "Silent programmes"}
    with sqlite_runtime.store.writing() as session:
        before = sqlite_runtime.clock.now() - timedelta(days=9)
        number = add_campaign(session, "silent", opened_at=None, past=told, created_at=before).id
        assert number is not None
        session.add(PastTotal(campaign_id=number, question="status", choice=3, answers=965))
    app = create_app(sqlite_runtime, features=[public, reports, survey])
    page = logged_in(app, sqlite_runtime, Role.MANAGER).get("/reports/silence").get_data(as_text=True)
    assert 'href="/reports/definitions#questionnaires_rate">75.5\u202f%</a>' in page
    assert page.count(f'href="/campaigns/{number}/results">silent</a>') == 3
    assert not re.findall(r'href="/reports/silence/(?:campaigns|groups|reasons)/[^"]*/c\d', page)
