"""The biblio command finds the demo, by the file for the shell or by the demo's home alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from biblio.settings import load_settings
from demo.environment import write_settings
from demo.job import Demo

URL = "http://127.0.0.1:9"


def test_the_home_alone_leads_to_the_replay_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every service is asked at the demo's address, none at its real one."""
    demo = Demo(tmp_path, URL, port=8000)
    write_settings(tmp_path, demo.settings.home, demo.facts)
    monkeypatch.setenv("BIBLIO_HOME", str(demo.settings.home))
    found = load_settings()
    assert found == demo.settings
    for address in (found.arxiv_url, found.arxiv_oai_url, found.arxiv_rss_url, found.ads_url, found.tap_url):
        assert str(address).startswith(URL)
    monkeypatch.setenv("BIBLIO_ADS_URL", "http://127.0.0.1:10")
    assert load_settings().ads_url == "http://127.0.0.1:10"


def test_the_shell_reads_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sourced by a shell the file sets every setting of the demo, whatever signs its folder's name has."""
    folder = tmp_path / "what's $HOME; a demo"
    demo = Demo(folder, URL, port=8000)
    folder.mkdir()
    shell = write_settings(folder, demo.settings.home, demo.facts)
    told = subprocess.run(["sh", "-c", '. "$1"; env', "sh", str(shell)], capture_output=True, text=True, check=True)
    for line in told.stdout.splitlines():
        name, _, value = line.partition("=")
        if name.startswith("BIBLIO_"):
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert load_settings() == demo.settings.model_copy(update={"home": folder / "home"})
    assert shell.stat().st_mode & 0o077 == 0
