"""Documentation cannot rot: what follows from the code is compared with it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_generated_pages_are_up_to_date() -> None:
    """Settings, numbers, permissions, commands and jobs in docs/ are what the code says."""
    result = subprocess.run(
        [sys.executable, str(ROOT / "bin/write_docs.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link in the README, docs/ and the other pages points to a file that is there."""
    link = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    targets = [(page, target) for page in pages for target in link.findall(page.read_text(encoding="utf-8"))]
    assert targets
    assert [f"{page.name} → {target}" for page, target in targets if not (page.parent / target).exists()] == []


def test_no_python_file_names_an_observatory() -> None:
    """What is particular to one observatory is data: outside profiles, demo and tests no Python file names one."""
    word = re.compile(r"\b(ALMA|ESO|NRAO|NAOJ|JAO|HST|JWST|Chandra|VLA)\b")
    found = []
    for folder in ("biblio", "harvesters", "matching", "survey", "reports"):
        for path in (ROOT / folder).rglob("*.py"):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if word.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []


def test_every_feature_has_the_same_files() -> None:
    """Whoever has read one feature finds anything in the others: each declares itself in feature.py."""
    from biblio.loading import FEATURES

    for name in FEATURES:
        folder = ROOT / name.replace(".", "/")
        assert (folder / "feature.py").is_file(), name
        assert not [p.name for p in folder.glob("*.py") if p.stem in ("utils", "helpers", "common")], name
