"""Pages on paper: HTML from the templates, and PDF made of it (WeasyPrint, the extra ``pdf``)."""

from __future__ import annotations

import base64
import gc
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from biblio.errors import RequestRefused
from biblio.paths import template_dir


def html_page(template: str, **values: Any) -> str:
    """Return a template as one page, rendered without a web server; everything in it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(template_dir()), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    return environment.get_template(template).render(**values)


def picture_address(svg: str) -> str:
    """Return an SVG as an address that holds it, so that a page needs no other file."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def can_write_pdf() -> bool:
    """Whether the extra ``pdf`` is installed."""
    return find_spec("weasyprint") is not None


def pdf_file(
    html: str, *, identifier: bytes | None = None, pictures: Mapping[str, Callable[[], str]] | None = None
) -> bytes:
    """Return a page as PDF. Raises ``RequestRefused`` where the extra ``pdf`` is not installed.

    ``identifier`` is the file's own: with one given, the same page gives the same bytes. ``pictures`` gives the SVG of
    addresses such as "picture:7", asked for when the page needs it. Nothing else is fetched from anywhere.
    """
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher, URLFetcherResponse
    except (ImportError, OSError) as error:
        raise RequestRefused(
            "A PDF needs the extra `pdf`: pip install --require-hashes -r requirements/pdf.txt, "
            "and the system's Pango (Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0)."
        ) from error

    class Ours(URLFetcher):  # type: ignore[misc]
        """Gives what the page brings with it."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            if url in own:
                return URLFetcherResponse(url, own[url]().encode(), {"Content-Type": "image/svg+xml"})
            return super().fetch(url, headers)

    own, fetcher = pictures or {}, Ours(allowed_protocols=["data"], fail_on_errors=True)
    # A third of the time would go to looking for garbage among millions of boxes that are all in use.
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        written: bytes = HTML(string=html, url_fetcher=fetcher).write_pdf(pdf_identifier=identifier)
    finally:
        if was_collecting:
            gc.enable()
    return written
