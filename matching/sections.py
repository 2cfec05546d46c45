"""Where in a paper a passage stands, and whether its sentence says that data were used or only speaks of a project.

TeX, JATS, HTML, plain text and the text of PDF pages are told apart by their own marks. All patterns are bounded;
a paper is marked up once, when the first passage in it is asked about.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import Literal

Where = Literal["acknowledgement", "data_statement", "footnote", "body", "references", "comment", "unknown"]

_KINDS: tuple[tuple[Where, str], ...] = (
    ("acknowledgement", r"acknowledg[e]?ments?|acknowledg?ing|thanks|danksagung|remerciements"),
    (
        "data_statement",
        (
            r"(?:data|code|software|availability)(?:,? (?:and|&|materials?|code|software)){0,6}[ -]{1,2}"
            r"(?:availability|access(?:ibility)?|statements?)(?: statements?)?|availability of (?:the )?data[a-z ]{0,30}"
            r"|data and materials? availability|open research|facilit(?:y|ies)"
        ),
    ),
    ("references", r"references(?: and notes)?|bibliography|literature cited|works cited"),
    (
        "body",
        (
            r"abstract|introduction|conclusions?|summary|discussion|results|observations?|method(?:s|ology)?|data|analysis"
            r"|appendi(?:x|ces)|background|sample|modell?ing|supplementary (?:material|information)|author contributions"
            r"|funding|conflicts? of interest|software|orcid ids|keywords"
        ),
    ),
)
_TITLE_STARTS = frozenset(
    [
        "ackn",
        "than",
        "dank",
        "reme",
        "data",
        "code",
        "soft",
        "avai",
        "open",
        "faci",
        "refe",
        "bibl",
        "lite",
        "work",
        "abst",
        "intr",
        "conc",
        "summ",
        "disc",
        "resu",
        "obse",
        "meth",
        "anal",
        "appe",
        "back",
        "samp",
        "mode",
        "supp",
        "auth",
        "fund",
        "conf",
        "orci",
        "keyw",
    ]
)
_TITLE_WORDS = re.compile("|".join(f"(?P<{kind}>{words})" for kind, words in _KINDS), re.IGNORECASE)

_TEX_MARKS = re.compile(
    r"\\(?:(?:sub){0,2}section|paragraph|chapter)\*?\s{0,3}(?:\[[^\]]{0,80}\])?\{(?P<title>[^{}]{0,120})"
    r"|\\(?P<command>acknowledge?ments?|acknowledgments?|ack|thanks|facilit(?:y|ies)|software|appendix|dataavailability"
    r"|bibliography|maketitle)(?![A-Za-z])"
    r"|\\begin\s{0,3}\{(?P<begin>[A-Za-z]{1,30}\*?)\}|\\end\s{0,3}\{(?P<end>[A-Za-z]{1,30}\*?)\}"
)
_XML_MARKS = re.compile(
    r"<(?P<close>/)?(?P<tag>ack|ref-list|fn|sec|notes|body|back|bibl|references?|app|footnote)(?![\w-])(?P<attributes>[^<>]{0,200})>"
    r"|<(?P<note>div|p|span|aside|li|section)\s(?=[^<>]{0,200}?(?:class|role|type|id)\s?=\s?[\"'][^\"'<>]{0,40}?(?:footnote|\bfn[0-9]))[^<>]{0,300}>"
    r"|<(?:title|h[1-6]|b|strong|bold)(?:\s[^<>]{0,200})?>\s{0,20}(?:<[^<>]{0,100}>\s{0,5}){0,3}"
    r"(?-i:(?:[0-9]{1,2}|[IVX]{1,5}|[A-Z])(?:\.[0-9]{1,2}){0,3}[.)]?\s{1,3})?(?P<title>[^<>\n]{3,80}?)\s{0,5}[.:]?\s{0,5}<",
    re.IGNORECASE,
)
_PLAIN_HEADING = re.compile(
    r"\n(?=[^b-qs-z])[ \t#*=]{0,12}+(?:(?:[0-9]{1,2}|[IVX]{1,5}|[A-Z])(?:\.[0-9]{1,2}){0,3}+[.)]?[ \t]{1,4}+)?+(?=[A-Z]|ack|ref)"
    r"(?:(?P<opening>(?:Acknowledge?ments?|ACKNOWLEDGE?MENTS?|(?:Data|Code) [Aa]vailability(?: [Ss]tatement)?"
    r"|(?:DATA|CODE) AVAILABILITY(?: STATEMENT)?)(?=[ \t]{1,4}[A-Z]))"
    r"|(?P<title>[A-Za-z][A-Za-z ,&-]{2,60}+)(?P<stop>[.:*=—–]{0,4}+[ \t]{0,6}+(?:(?=\r?\n|\Z)|(?<=[.:—–]\s).|(?<=[.:—–]).)))"
)
_REFERENCE_LIST = re.compile(r"\n(?:References|REFERENCES|Bibliography)")
_LONGEST_COMMENT = 20_000  # characters of a passage commented out
_LONGEST_NOTE = 4_000  # characters of a footnote
_LISTED_YEARS = 10  # in 2,000 characters; where fewer stand is no list of references, and its heading not looked for
_LOOK_BACK = 12_000  # a section of a plain text is not longer; beyond it, only a reference list is looked for
_SPACED_HEADING = re.compile(r"\b(?:[A-Za-z] ){5,24}[A-Za-z]\b")
_TEX_SIGNS = re.compile(r"\\(?:documentclass|begin|section|usepackage|cite[a-z]*|footnote|ref|textit|acknowledg)")
_XML_SIGNS = re.compile(r"<(?:\?xml|!DOCTYPE|html|article|ack|sec|p|title|body|xref)\b", re.IGNORECASE)

_THANKS = re.compile(
    r"(?i)\b(?:we (?:also |would like to )?(?:thank|acknowledge)|acknowledges? |grateful|thanks? |is a partnership of"
    r"|operated by|supported by|grant(?:s| no| number)|fellowship|anonymous referee|facilit(?:y|ies):|funded by"
    r"|makes? use of the following|made use of the following|funding)"
)
_DATA_PHRASES = re.compile(
    r"(?i)\b(?:data (?:underlying|availability|are available|used in this)|available (?:from|in|at|through) the [a-z ]{0,20}archive"
    r"|publicly available)"
)
# Both are searched in a sentence in small letters, from the beginning of a word on; this one begins with the blank or
# sign before it, for so it is searched twice as fast.
_USE = re.compile(
    r"[^a-z](?=[abdhmnotuvw])(?:makes? use of|made use of|making use"
    r"|data (?:from|sets?|obtained|taken|used|under)|based on (?:observations|data|archival)"
    r"|(?:we|were|was|have|has)(?: been| also| then| therefore){0,2} (?:use[ds]?|observ|obtain|taken|acquired|collected"
    r"|carried out|retrieved|downloaded|combine|re-?analy[sz]|re-?imaged?|analy[sz])"
    r"|(?:our|these|the|this|his|new|archival)(?: [a-z0-9()-]{1,20}){0,3} (?:observations?|data|datasets?|program(?:me)?s?|projects?)(?![a-z])"
    r"|as part of|observed (?:with|under|as|in)|visibilities of|under (?:the )?(?:project|program))"
)
# \0 stands for the code: where data were shown before says nothing against their use, when said after it.
_MENTION = re.compile(
    r"(?<![a-z])(?:propos(?:ed|al (?:has been|was|is) (?:accepted|approved|submitted))"
    r"|has been (?:accepted|approved|awarded|granted)|was (?:awarded|granted|approved)"
    r"|accepted (?:cycle|project|proposal|program)|will (?:be )?(?:observ|complement|obtain|provide|allow|carried)"
    r"|upcoming|forthcoming|scheduled|future observations|planned"
    r"|(?:previously|first|already|originally|also) (?:observed|presented|published|reported|analy[sz]ed|used|described) (?:in|by|under)(?=[^\0]{0,240}\0)"
    r"|awaiting|not (?:been )?(?:used|observed|included|yet)|other people'?s|comment briefly on|resubmi)"
)
# One of these is in every sentence that _MENTION knows; looking for them first saves most of the time.
_MENTION_STEMS = (
    "propos", "has been ", "was ", "accepted ", "will ", "upcoming", "forthcoming", "scheduled", "future observations",
    "planned", "previously ", "first ", "already ", "originally ", "also ", "awaiting", "not ", "other people",
    "comment briefly", "resubmi",
)  # fmt: skip
# It begins with a class of characters, not with a look around: only then is it searched fast.
_SENTENCE_END = re.compile(
    r"[.!?\n\\<](?:(?<=[a-z)\]}A-Z][.!?])(?:\s|$|\\)(?=\s{0,4}[A-Z\\<]|$)|(?<=\n)[ \t]{0,8}\r?\n|(?<=\\)\\\s"
    r"|(?<=<)(?:/?p|/?sec|/?li|br)\b)"
)


def markup_of(text: str) -> str:
    """What kind of text it is by its own marks: "tex", "xml" or "text"."""
    if "<" in text and _XML_SIGNS.search(text, 0, 4000):
        return "xml"
    if "\\" in text and _TEX_SIGNS.search(text):
        return "tex"
    return "xml" if "<" in text and len(_XML_SIGNS.findall(text[:200_000])) > 5 else "text"


def _kind_of_title(title: str) -> Where | None:
    """The kind of section a heading opens, or None when the words do not say."""
    plain = re.sub(r"[^A-Za-z ,&-]", " ", re.sub(r"\\[A-Za-z]+", " ", title)).strip(" .:-")
    if _SPACED_HEADING.fullmatch(plain):
        plain = plain.replace(" ", "")
    found = _TITLE_WORDS.match(plain)
    if found is None:
        return None
    return found.lastgroup  # type: ignore[return-value]


class Places:
    """The sections of one paper; ``where(position)`` and ``is_use(start, end)`` are asked about its passages."""

    def __init__(self, text: str, markup: str = "auto") -> None:
        self.text = text
        self._plain_seen: tuple[int, int, Where | None] = (0, 0, None)
        self.markup = markup_of(text) if markup in ("auto", "pdf") else {"html": "xml"}.get(markup, markup)

    @cached_property
    def _sections(self) -> tuple[list[int], list[Where]]:
        """Positions at which a section begins, and its kind."""
        marks = self._tex_sections() if self.markup == "tex" else self._xml_sections()
        marks.sort(key=lambda mark: mark[0])
        return [position for position, _ in marks], [kind for _, kind in marks]

    def _tex_sections(self) -> list[tuple[int, Where]]:
        marks: list[tuple[int, Where]] = []
        for mark in _TEX_MARKS.finditer(self.text):
            kind: Where | None = None
            if mark["title"] is not None:
                kind = _kind_of_title(mark["title"]) or "body"
            elif mark["command"]:
                kind = {
                    "appendix": "body",
                    "maketitle": "body",
                    "software": "acknowledgement",
                    "bibliography": "references",
                }.get(mark["command"])  # type: ignore[assignment]
                kind = kind or _kind_of_title(mark["command"]) or "acknowledgement"
                if mark["command"] == "thanks":
                    continue
            elif mark["begin"]:
                name = mark["begin"].lower().rstrip("*")
                kind = "references" if name == "thebibliography" else None
                kind = (
                    "body" if name in ("document", "abstract", "appendix", "appendices") else kind or _environment(name)
                )
            elif mark["end"] and (_environment(mark["end"].lower()) or mark["end"].lower() == "thebibliography"):
                kind = "body"
            if kind is not None:
                marks.append((mark.start(), kind))
        return marks

    def _xml_sections(self) -> list[tuple[int, Where]]:
        marks: list[tuple[int, Where]] = []
        for mark in _XML_MARKS.finditer(self.text):
            kind: Where | None = None
            if mark["title"] is not None:
                kind = _kind_of_title(mark["title"])
            elif mark["note"]:
                marks += self._xml_footnote(mark.start(), mark["note"], marks)
            else:
                tag = mark["tag"].lower()
                about = mark["attributes"].lower()
                opens: dict[str, Where] = {
                    "ack": "acknowledgement", "ref-list": "references", "fn": "footnote", "footnote": "footnote",
                    "body": "body", "app": "body", "reference": "references", "references": "references", "bibl": "references",
                }  # fmt: skip
                kind = opens.get(tag)
                if tag in ("sec", "notes") and "data-availability" in about:
                    kind = "data_statement"
                if mark["close"]:
                    kind = "body" if tag in opens and tag not in ("body", "app", "reference", "bibl") else None
                if opens.get(tag) == "footnote":
                    if not mark["close"]:
                        marks += self._xml_footnote(mark.start(), tag, marks)
                    continue
            if kind is not None:
                marks.append((mark.start(), kind))
        return marks

    def _xml_footnote(self, start: int, tag: str, before: list[tuple[int, Where]]) -> list[tuple[int, Where]]:
        """A footnote from its opening tag to its closing one, and what the text around it goes on with."""
        around: Where = next((kind for _, kind in reversed(before) if kind != "footnote"), "body")
        end = self.text.find(f"</{tag}", start, start + _LONGEST_NOTE)
        return [(start, "footnote"), (end if end >= 0 else start + _LONGEST_NOTE, around)]

    def _plain_section(self, position: int) -> Where | None:
        """The kind of the last heading before the position in a plain text, or None when there is none near."""
        low = max(0, position - _LOOK_BACK)
        known_from, known_to, last = self._plain_seen
        begin = known_to if known_from <= low <= known_to <= position else low
        # A heading stands after a line break, so the first line of all needs one before it.
        marks = (
            _PLAIN_HEADING.finditer(self.text, begin, position)
            if begin
            else _PLAIN_HEADING.finditer("\n" + self.text[:position])
        )
        kinds = [kind for mark in marks if (kind := _plain_heading(mark)) is not None]
        kind = kinds[-1] if kinds else (last if begin == known_to and known_to else None)
        # The line that was cut short by the position may be a heading for the next one.
        self._plain_seen = (low, max(low, self.text.rfind("\n", 0, position)), kind)
        if kind is not None:
            return kind
        if low:
            return "references" if self._lists_years(position) and 0 < self._reference_list < low else "body"
        return None

    def _lists_years(self, position: int) -> bool:
        """Whether so many years stand before the position as in a list of references."""
        years = self.text.count("20", position - 2_000, position)
        return years >= _LISTED_YEARS or years + self.text.count("19", position - 2_000, position) >= _LISTED_YEARS

    @cached_property
    def _reference_list(self) -> int:
        """Where the list of references of a plain text begins, if in its last two thirds; else -1."""
        # One pattern begun by a line break is faster than three searches from the end.
        return max((found.start() for found in _REFERENCE_LIST.finditer(self.text, len(self.text) // 3)), default=-1)

    def where(self, position: int) -> Where:
        """The part of the paper that holds this position."""
        if self.markup == "tex":
            if self._in_tex_comment(position):
                return "comment"
            if self._in_tex_footnote(position):
                return "footnote"
        if self.markup == "xml":
            low = max(0, position - _LONGEST_COMMENT)
            if self.text.rfind("<!--", low, position) > self.text.rfind("-->", low, position):
                return "comment"
        if self.markup == "text":
            return self._plain_section(position) or self._by_phrases(position)
        positions, kinds = self._sections
        place = bisect_right(positions, position) - 1
        if place >= 0:
            return kinds[place]
        return self._by_phrases(position)

    def _by_phrases(self, position: int) -> Where:
        """A guess for a passage no heading stands before: by what acknowledgements and data statements say."""
        around = self.text[max(0, position - 500) : position + 500]
        if len(_THANKS.findall(around)) >= 2:
            return "acknowledgement"
        if _DATA_PHRASES.search(around):
            return "data_statement"
        if len(_THANKS.findall(around)) == 1 and len(self.text) < 4000:
            return "acknowledgement"
        return "body" if len(self.text) > 4000 else "unknown"

    def _in_tex_comment(self, position: int) -> bool:
        line = self.text[max(self.text.rfind("\n", max(0, position - 5000), position) + 1, position - 5000) : position]
        return re.search(r"(?<!\\)%", line) is not None

    def _in_tex_footnote(self, position: int) -> bool:
        before = self.text[max(0, position - 1500) : position]
        opened = max(before.rfind("\\footnote"), before.rfind("\\tablenotetext"), before.rfind("\\thanks"))
        if opened < 0:
            return False
        inside = re.sub(r"\\[{}]", "", before[opened:])
        return inside.count("{") > inside.count("}")

    def is_use(self, start: int, end: int) -> bool | None:
        """True when the sentence says that the data were used, False when it only speaks of a project, else None."""
        before = self.text[max(0, start - 240) : start]
        after = self.text[end : end + 120]
        cut = 0
        for stop in _SENTENCE_END.finditer(before):
            cut = stop.end()
        stop_after = _SENTENCE_END.search(after)
        sentence = before[cut:] + "\0" + (after[: stop_after.start()] if stop_after else after)
        sentence = " " + " ".join(sentence.lower().split())
        for stem in _MENTION_STEMS:
            if stem in sentence:
                if _MENTION.search(sentence):
                    return False
                break
        return True if _USE.search(sentence) else None


def _plain_heading(mark: re.Match[str]) -> Where | None:
    """The kind of section a line opens: the line is little more than a heading, or one with its text run in."""
    if mark["opening"]:  # the text runs on after it without a stop
        return _kind_of_title(mark["opening"])
    title = mark["title"].strip()
    if title[:4].lower() not in _TITLE_STARTS and title[1:2] != " ":
        return None
    kind = _kind_of_title(title)
    if kind is None:
        return None
    found = _TITLE_WORDS.match(title)
    if found is not None and len(found[0]) < len(title) - 12:
        return None
    alone = not mark["stop"].strip(" \t\r\n.:*=—–")
    return kind if alone or kind in ("acknowledgement", "data_statement", "references") else None


def _environment(name: str) -> Where | None:
    """The kind of part a TeX environment is, when it is one of those journals define."""
    if name.startswith(("acknowledg", "ack")):
        return "acknowledgement"
    if name.startswith(("dataavail", "availability")):
        return "data_statement"
    return None
