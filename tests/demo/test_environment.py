"""The biblio command finds the demo, by the file for the shell or by the demo's home alone."""

from __future__ import annotations

import subprocess
import sys
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


def test_the_shell_finds_the_command(tmp_path: Path) -> None:
    """Sourced by a shell that has no virtual environment, the file leads to the biblio that made the demo."""
    demo = Demo(tmp_path, URL, port=8000)
    shell = write_settings(tmp_path, demo.settings.home, demo.facts)
    script = '. "$1"; command -v biblio; command -v sh'
    told = subprocess.run(
        ["/bin/sh", "-c", script, "sh", str(shell)], env={"PATH": "/bin"}, capture_output=True, text=True, check=True
    )
    command, itself = told.stdout.splitlines()
    assert Path(command).parent == Path(sys.executable).parent
    assert itself == "/bin/sh"
