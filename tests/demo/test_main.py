"""The demo's command: what cannot work is said before anything is made."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from demo import __main__ as demo


def test_a_taken_port_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence with the port and what to do, at once, and no folder is filled."""
    monkeypatch.setattr(demo, "configure", lambda **_: None)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        folder = tmp_path / "run"
        monkeypatch.setattr(sys, "argv", ["demo", "--folder", str(folder), "--port", str(port)])
        assert demo.main() == 1
    assert f"The demo stopped: Nothing can listen on 127.0.0.1:{port}" in capsys.readouterr().err
    assert not folder.exists()
