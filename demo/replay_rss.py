"""arXiv's RSS as the replay server plays it: what was announced on the replayed day in some archives or categories.

A version is announced on the day of its date; what came on a weekend, on the Monday after. Saturdays and Sundays have a
feed without items. As at arXiv, replacements are announced up to version 5, a paper stands in a feed once, and a feed
holds at most 2,000 items.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from urllib.parse import unquote
from xml.sax.saxutils import escape

from demo.replay_arxiv import Answer, Arxiv, Preprint

RSS = "application/rss+xml; charset=utf-8"
MAX_ITEMS = 2_000
LAST_ANNOUNCED_VERSION = 5
_ORDER = ("replace-cross", "replace", "cross", "new")


def announcements(arxiv: Arxiv, wanted: str) -> Answer:
    """Answer ``/rss/NAME[+NAME…]``; an unknown archive gets arXiv's feed of errors with status 400."""
    names = unquote(wanted).lower().split("+")
    archives = {category.partition(".")[0] for preprint in arxiv.preprints for category in preprint.facts["categories"]}
    wrong = [name for name in names if name.partition(".")[0] not in archives]
    if wrong:
        body = _feed(
            f"Feed error for query: {wanted}", f"Bad archive '{wrong[0]}'. Valid: {', '.join(archives)}.", arxiv
        )
        return Answer(400, RSS, body.encode())
    found = [(kind, p) for p in arxiv.preprints if (kind := _announce_type(p, arxiv.day, names))]
    found.sort(key=lambda pair: (_ORDER.index(pair[0]), pair[1].id), reverse=True)
    items = "".join(_item(preprint, kind, arxiv.day) for kind, preprint in found[:MAX_ITEMS])
    title = f"{', '.join(names)} updates on arXiv.org"
    return Answer(
        200, RSS, _feed(title, title.replace("arXiv.org", "the arXiv.org e-print archive."), arxiv, items).encode(),
        min(len(found), MAX_ITEMS),
    )  # fmt: skip


def announced_on(stamp: str) -> date:
    """The day on which a version of this time (ISO) is announced."""
    day = date.fromisoformat(stamp[:10])
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() > 4 else day


def _announce_type(preprint: Preprint, day: date, names: Sequence[str]) -> str:
    """Why the preprint stands in the feed of ``names`` on ``day``; "" when it does not."""
    categories = preprint.facts["categories"]
    today = [version["version"] for version in preprint.versions if announced_on(version["date"]) == day]
    if not today or not any(_is_in(category, names) for category in categories):
        return ""
    is_primary = _is_in(categories[0], names)
    if 1 in today:
        return "new" if is_primary else "cross"
    if max(today) > LAST_ANNOUNCED_VERSION:
        return ""
    return "replace" if is_primary else "replace-cross"


def _is_in(category: str, names: Sequence[str]) -> bool:
    return category.lower() in names or category.partition(".")[0] in names


def _feed(title: str, description: str, arxiv: Arxiv, items: str = "") -> str:
    stamp = f"{arxiv.day:%a, %d %b %Y}"
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:atom="http://www.w3.org/2005/Atom" version="2.0">\n  <channel>\n'
        f"    <title>{escape(title)}</title>\n    <link>http://rss.arxiv.org/rss</link>\n"
        f"    <description>{escape(description)}</description>\n    <language>en-us</language>\n"
        f"    <lastBuildDate>{stamp} 05:00:02 +0000</lastBuildDate>\n"
        f"    <pubDate>{stamp} 00:00:00 -0500</pubDate>\n"
        "    <skipDays>\n      <day>Saturday</day>\n      <day>Sunday</day>\n    </skipDays>\n"
        f"{items}  </channel>\n</rss>\n"
    )


def _item(preprint: Preprint, kind: str, day: date) -> str:
    facts, name = preprint.facts, f"{preprint.id}v{len(preprint.versions)}"
    lines = [
        f"<title>{escape(facts['title'])}</title>",
        f"<link>https://arxiv.org/abs/{preprint.id}</link>",
        f"<description>arXiv:{name} Announce Type: {kind} \nAbstract: {escape(facts['abstract'])}</description>",
        f'<guid isPermaLink="false">oai:arXiv.org:{name}</guid>',
        *(f"<category>{category}</category>" for category in facts["categories"]),
        f"<pubDate>{day:%a, %d %b %Y} 00:00:00 -0500</pubDate>",
        f"<arxiv:announce_type>{kind}</arxiv:announce_type>",
        f"<dc:rights>{escape(facts['license'])}</dc:rights>",
    ]
    if facts["doi"]:
        lines.append(f"<arxiv:DOI>{escape(facts['doi'])}</arxiv:DOI>")
    if facts["journal_ref"]:
        lines.append(f"<arxiv:journal_reference>{escape(facts['journal_ref'])}</arxiv:journal_reference>")
    lines.append(f"<dc:creator>{escape(', '.join(facts['authors']))}</dc:creator>")
    return "    <item>\n" + "".join(f"      {line}\n" for line in lines) + "    </item>\n"
