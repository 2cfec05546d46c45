"""What every template may use: here, the navigation."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from biblio.runtime import Runtime
from biblio.store.words import Role
from tests.web.visitors import logged_in


@pytest.mark.parametrize(
    ("path", "label", "how"),
    [
        ("/desk", "Desk", "page"),
        ("/desk/libraries", "Desk", "true"),
        ("/desk/contacts", "Before press", "page"),
        ("/campaigns/compare", "Campaigns", "true"),
    ],
)
def test_one_entry_at_most_says_where_one_is(
    whole_app: Flask, small_runtime: Runtime, path: str, label: str, how: str
) -> None:
    """A page below two entries of the navigation is that of the nearer one."""
    html = logged_in(whole_app, small_runtime, Role.HEAD_LIBRARIAN).get(path).get_data(as_text=True)
    navigation = html[html.index('aria-label="Main"') : html.index("</nav>")]
    assert re.findall(r'aria-current="(\w+)">([^<]+)<', navigation) == [(how, label)]
