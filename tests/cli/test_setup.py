"""``biblio init`` and ``biblio db``: made once, kept for ever, refused with what to do."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from biblio.cli import main
from biblio.runtime import build_runtime
from biblio.settings import load_settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for a new site, set in the environment."""
    monkeypatch.setenv("BIBLIO_HOME", str(tmp_path / "site"))
    return tmp_path / "site"


def biblio(*arguments: str) -> Result:
    """Run a command as a person would."""
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def test_init_makes_database_secret_and_folders_and_says_what_is_next(home: Path) -> None:
    """After one command the site can start; the secret is for its owner's eyes only."""
    result = biblio("init")
    assert result.exit_code == 0, result.output
    assert "biblio users add" in result.output
    assert "No ADS token" in result.output
    secret = home / "secrets/secret_key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(load_settings().secret()) == 64
    assert build_runtime().profile.observatory.default


def test_init_again_keeps_everything(home: Path) -> None:
    """A second init changes neither secret nor database."""
    biblio("init")
    before = (home / "secrets/secret_key").read_text()
    result = biblio("init")
    assert result.exit_code == 0
    assert (home / "secrets/secret_key").read_text() == before


def test_a_home_that_cannot_be_written_is_told_in_a_sentence(home: Path) -> None:
    """A file stands in the way (a read-only disk answers alike): no traceback, but the place and what to do."""
    home.write_text("")
    result = biblio("init")
    assert result.exit_code == 1
    assert f"The folder {home} cannot be written" in result.output
    assert "BIBLIO_HOME" in result.output


def test_a_database_belongs_to_one_observatory(home: Path) -> None:
    """Another profile on the same database is refused, by init and by every start."""
    biblio("init", "--observatory", "alma")
    result = biblio("init", "--observatory", "eso")
    assert result.exit_code == 1
    assert "belongs to the profile 'alma'" in result.output


def test_an_unknown_observatory_is_refused_with_those_there_are(home: Path) -> None:
    """The message lists the shipped profiles."""
    result = biblio("init", "--observatory", "hubbel")
    assert result.exit_code == 1
    assert "alma" in result.output


def test_a_start_without_init_says_what_to_run(home: Path) -> None:
    """No database: the message names `biblio init`, and there is no traceback."""
    result = biblio("status")
    assert result.exit_code == 1
    assert "biblio init" in result.output
    assert "Traceback" not in result.output


def test_db_check_and_upgrade_say_how_the_schema_stands(home: Path) -> None:
    """Check is in order after init; upgrade has nothing to do."""
    biblio("init")
    assert "in order" in biblio("db", "check").output
    assert "nothing to do" in biblio("db", "upgrade").output


def test_a_setting_that_cannot_be_used_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable and what is wrong with it stand in the message."""
    monkeypatch.setenv("BIBLIO_SMTP_PORT", "twenty-five")
    result = biblio("init")
    assert result.exit_code == 1
    assert "BIBLIO_SMTP_PORT" in result.output


def test_a_weak_secret_is_refused_in_production(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short secret stops production with the way out."""
    monkeypatch.setenv("BIBLIO_SECRET_KEY", "qwerty")
    with pytest.raises(Exception, match="shorter than 32"):
        load_settings().secret()


def test_run_lists_the_jobs_and_refuses_an_unknown_one(home: Path) -> None:
    """Without a name the jobs are listed; a wrong name is answered with the right ones."""
    biblio("init")
    listed = biblio("run").output
    for job in ("harvest", "read", "match"):
        assert job in listed
    result = biblio("run", "harvets")
    assert result.exit_code == 1
    assert "harvest" in result.output


def test_an_argument_without_a_value_is_a_usage_error(home: Path) -> None:
    """KEY=VALUE is asked for, with exit code 2."""
    biblio("init")
    result = biblio("run", "match", "-a", "all")
    assert result.exit_code == 2
    assert "KEY=VALUE" in result.output


def test_status_of_a_new_site(home: Path) -> None:
    """Every job is named; none has run."""
    biblio("init")
    result = biblio("status")
    assert result.exit_code == 0
    assert "never run" in result.output
