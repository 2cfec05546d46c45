"""What every page must be in a real browser: as wide as its window, clean for axe in light and in dark, with one h1.

The two themes of a page differ in colours alone (all rules for dark set nothing else, but for the report's charts, whose
test scans both in full), so the dark one is scanned by the rules about colours, and the light one by all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

PICTURES = Path(__file__).resolve().parents[2] / "test-output"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
"""JavaScript: by how many pixels a page is wider than its window."""
_WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_ALL = {"type": "tag", "values": _WCAG_22_AA}
_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""Those of the rules that axe counts among "cat.color"."""


def picture(window: Page, name: str, *, whole: bool = True) -> Path:
    """Take a picture of a page into test-output/."""
    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"{name}.png"
    window.screenshot(path=path, full_page=whole)
    return path


def violations(window: Page, rules: Mapping[str, Any] = _ALL) -> list[str]:
    """Scan a page with axe for WCAG 2.2 A and AA and good practice; returns one line per violation, none if clean."""
    if not window.evaluate("'axe' in window"):
        window.evaluate(AXE_SCRIPT)
    # Fetching every style sheet once more, by ``preload``, is for rules about sound and rotation that none of these are.
    options = json.dumps({"runOnly": rules, "resultTypes": ["violations"], "preload": False})
    found = window.evaluate(f"axe.run({options}).then(answer => answer.violations)")
    return [
        f"{violation['id']}: {violation['help']} — {node['target']} {node.get('failureSummary', '')}"
        for violation in found
        for node in violation["nodes"]
    ]


def look(window: Page, name: str, *, dark: bool = True) -> None:
    """The page fits its window and is clean for axe, in light and in dark; a picture of each is kept.

    But in one of several processes of pytest, which run the whole suite: there nobody looks at two hundred pictures.
    ``dark`` False: in light alone, for a page whose colours were looked at elsewhere (they do not depend on its width).
    """
    width = window.viewport_size["width"] if window.viewport_size else 0
    for colours, rules in (("light", _ALL), ("dark", _COLOURS))[: 2 if dark else 1]:
        window.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
        if "PYTEST_XDIST_WORKER" not in os.environ:
            picture(window, f"{name}-{width}-{colours}")
        assert window.evaluate(OVERFLOW) <= 0, f"{name} is wider than its window of {width}"
        assert violations(window, rules) == [], f"{name} in {colours}"
    expect(window.locator("h1")).to_have_count(1)
    window.emulate_media(color_scheme="light")
