"""Where the files that are not Python lie, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def template_dir() -> Path:
    """Return the folder of page and mail templates: ``templates/`` of a checkout, ``biblio/_templates`` of a wheel."""
    installed = PACKAGE / "_templates"
    return installed if installed.is_dir() else PACKAGE.parent / "templates"


def static_dir() -> Path:
    """Return the folder of style sheets, scripts and icons served by the web door."""
    return PACKAGE / "static"


def migrations_dir() -> Path:
    """Return the folder of database migrations."""
    return PACKAGE / "migrations"
