"""What every template may use: dates, counts, assets, the navigation of the person who looks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from flask import Flask, Request, request, url_for
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from biblio import webkit
from biblio.catalogue.readable import readable
from biblio.feature import Feature, NavigationItem
from biblio.rounding import percents
from biblio.runtime import biblio_version
from biblio.store.words import Role
from biblio.web.accounts.permissions import may
from biblio.web.assets import Assets
from biblio.web.security import holds_token

_SPANS = ((365.25 * 86400, "year"), (30.44 * 86400, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))
_THEMES = ("light", "dark")


def install(app: Flask, assets: Assets, features: Sequence[Feature]) -> None:
    """Add filters and globals to ``app``'s templates."""
    items = sorted((item for feature in features for item in feature.navigation), key=lambda item: item.order)
    items.append(NavigationItem("Admin", "admin.overview", "admin.read", order=90))
    items.append(NavigationItem("Audit log", "admin.audit", "audit.read", order=91))
    app.jinja_env.filters.update(day=day, moment=moment, ago=ago, number=number, percent=percent, plural=plural)
    app.jinja_env.filters.update(readable=readable)
    app.jinja_env.globals.update(asset=assets.address, has_page=app.view_functions.__contains__)

    @app.context_processor
    def for_every_page() -> dict[str, Any]:
        person = webkit.visitor()
        wired = webkit.runtime()
        shown = _navigation(items, person.role if person else None)
        return {
            "visitor": person,
            "may": lambda action: may(person.role if person else None, action),
            "navigation": shown,
            "here": request.endpoint or "",
            "current": partial(is_current, shown=shown),
            "observatory": wired.profile.observatory,
            "theme": chosen_theme(request),
            "is_survey_link": holds_token(request),
            "csrf": csrf_field,
            "version": biblio_version(),
        }


def _navigation(items: Sequence[NavigationItem], role: Role | None) -> list[NavigationItem]:
    """Return what this role may go to; admins find the audit log among the admin's pages."""
    of_admin = {"admin.audit"} if may(role, "admin.read") else set()
    return [
        item
        for item in items
        if may(role, item.action) and item.endpoint not in of_admin and not (item.unless and may(role, item.unless))
    ]


def is_current(item: NavigationItem, shown: Sequence[NavigationItem]) -> str | None:
    """Return what ``aria-current`` says of a navigation item: "page", "true" for a page below it, None elsewhere.

    A page below two items, one of which lies below the other, is that of the nearer one.
    """
    address = url_for(item.endpoint)
    if request.path == address:
        return "page"
    addresses = [url_for(other.endpoint).rstrip("/") for other in shown]
    above = [a for a in addresses if a and f"{request.path}/".startswith(f"{a}/")]
    return "true" if address.rstrip("/") == max(above, key=len, default=None) else None


def chosen_theme(asked: Request) -> str | None:
    """Return "light" or "dark" as the person chose (a cookie that app.js sets), None to follow the system."""
    value = asked.cookies.get("theme", "")
    return value if value in _THEMES else None


def csrf_field() -> Markup:
    """Return the hidden field that every POST form outside ``webkit.Form`` needs."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def day(value: date | datetime | None) -> str:
    """Return a date as 2026-11-22; an en dash for none."""
    if value is None:
        return "–"
    return (value.astimezone(UTC) if isinstance(value, datetime) else value).strftime("%Y-%m-%d")


def moment(value: datetime | None) -> Markup:
    """Return a moment as 2026-11-22 14:05 in a ``time`` element (UTC); an en dash for none."""
    if value is None:
        return Markup("–")
    utc = value.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        utc.isoformat(timespec="seconds"), f"{utc:%Y-%m-%d %H:%M:%S}", f"{utc:%Y-%m-%d %H:%M}"
    )


def ago(value: date | datetime | None) -> Markup:
    """Return "3 days ago" (or "in 3 days") with the date on hover; an en dash for none."""
    if value is None:
        return Markup("–")
    now = webkit.runtime().clock.now()
    if isinstance(value, datetime):
        then, title = value.astimezone(UTC), f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        words = span_in_words((now - then).total_seconds())
    else:
        days = (now.date() - value).days
        title = f"{value:%Y-%m-%d}"
        words = "today" if days == 0 else span_in_words(days * 86400)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(value.isoformat(), title, words)


def span_in_words(seconds: float) -> str:
    """Return how long ago (or, negative, how far ahead) something is, in the largest unit that fits."""
    size = abs(seconds)
    for unit_s, unit in _SPANS:
        if size >= unit_s:
            words = plural(int(size // unit_s), unit)
            return f"in {words}" if seconds < 0 else f"{words} ago"
    return "just now"


def number(value: float | None) -> str:
    """Return a number with thin spaces between thousands; an en dash for none."""
    return "–" if value is None else f"{value:,}".replace(",", "\u202f")


def percent(value: float | None, digits: int = 0) -> str:
    """Return a fraction 0–1 as a percentage; an en dash for none."""
    return "–" if value is None else f"{percents(value, digits)}\u202f%"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return "1 paper", "2 papers"; ``many`` where an s does not do ("2 queries")."""
    return f"{number(count)} {one if count == 1 else (many or one + 's')}"
