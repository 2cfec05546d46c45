"""Where a code may stand in raw text: cheap patterns built from the fields of a grammar, each begun by a literal.

A long text is searched for these alone, so each begins with letters, digits or a sign that are looked for without the
regular expression engine: the fixed beginning of the first field (``20`` of a year, a choice), or else the separator
after it. What follows is kept loose (lost separators, broken lines, mark-up, confusable characters), for the windows
around the anchors are read closely. A profile may add anchors of its own to a form; it need not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from matching.forms import Field, Form
from matching.grammar import Grammar, compiled

_END = "(?![0-9A-Za-z])"
_NUMERAL = r"[0-9\uff10-\uff19OoQDlISBGZ}>]"
_ANY = "[0-9A-Za-z|]"
_ANY_ALPHABET = "[0-9A-Za-z|\u0391-\u03bf\u0401-\u0456]"  # Greek and Cyrillic letters look like Latin ones
_MOST_HEADS = 8  # choices of a first field that are looked for each by itself


def anchor_patterns(grammar: Grammar, *, named: bool) -> tuple[re.Pattern[str], ...]:
    """Patterns that say, in raw text, where to look more closely; one for each literal that a form begins with.

    ``named``: those for texts that name the observatory; else those for every text.
    """
    tails: dict[str, list[str]] = defaultdict(list)
    endings: set[tuple[str, ...]] = set()
    for form in grammar.forms:
        ending = _ending(form)
        # A form that ends as an earlier one is rare, and found by its end where the observatory is named.
        known = () if ending is None else (ending[0], *ending[1].choices)
        found = _when_named(form) if named else () if known in endings else _by_beginning(form)
        for literal, rest in found:
            if rest not in tails[literal]:
                tails[literal].append(rest)
        if known:
            endings.add(known)
    derived = tuple(
        compiled(re.escape(literal) + (rests[0] if len(rests) == 1 else f"(?:{'|'.join(rests)})"), f"codes ({literal})")
        for literal, rests in tails.items()
    )
    return derived + tuple(
        compiled(anchor.replace("{K}", form.last_choices), f"codes.forms ({form.name})")
        for form in grammar.forms
        for anchor in (form.anchors_when_named if named else form.anchors)
    )


def crumbled_pattern(grammar: Grammar) -> re.Pattern[str] | None:
    """A code that begins with nothing fixed, junk between any two of its characters: looked for after a name alone."""
    forms = [
        form for form in grammar.forms if len(form.fields) >= 3 and not form.heads and len(form.fields[0].head) < 2
    ]
    bodies = []
    for form in forms:
        signs = [sign for part in form.fields if not part.optional for sign in _signs(part)]
        # The first is a class of characters, and so the rest is tried at few places.
        bodies.append(signs[0] + "".join("{J}{0,4}" + sign for sign in signs[1:]))
        bodies.append("{J}{1,4}+".join(_mistyped(part) for part in form.fields if not part.optional))
    return compiled("(?:" + "|".join(bodies) + ")", "codes") if bodies else None


def _signs(part: Field) -> list[str]:
    """What each character of a field may be at least, for the least number of them."""
    if part.sort == "digits":
        return ["{D}"] * part.low
    if part.low == 1 and part.sort == "characters":
        return [f"(?i:{part.pattern})"]
    return [*map(re.escape, part.head), *[_ANY_ALPHABET] * (part.low - len(part.head))]


def _mistyped(part: Field) -> str:
    """A field with any letter or digit in place of one of its own, put in or left out."""
    if part.sort == "digits":
        return f"{{D}}{_ANY}{{{max(0, part.low - 2)},{part.high}}}"
    rest = len(part.head)  # its fixed beginning as it is: else half of all prose would be worth a look
    return f"{re.escape(part.head)}{_ANY}{{{max(1, part.low - rest - 1)},{part.high - rest + 1}}}"


def _ending(form: Form) -> tuple[str, Field] | None:
    """The separator and the field a form ends with, where that is one of a few letters."""
    literal, last = form.parts[-1]
    is_telling = last.sort == "choice" and not last.optional and literal.strip() and len(form.parts) > 2
    return (literal.strip(), last) if is_telling else None


def _when_named(form: Form) -> Iterator[tuple[str, str]]:
    """The end of a code (digits, the last separator and one of the last field's choices); its letters in small ones."""
    ending = _ending(form)
    if ending is not None:
        sign = re.escape(ending[0][0])
        first = "".join(sorted({letter for choice in ending[1].choices for letter in (choice[0], choice[0].lower())}))
        before = rf"(?:(?<={_NUMERAL}{{2}}{sign})|(?<={_NUMERAL}\s{sign}))"
        yield (
            ending[0][0],
            rf"(?=\s?[{re.escape(first)}]){before}{re.escape(ending[0][1:])}\s?{form.last_choices}{_END}",
        )
    if form.heads:
        yield from ((literal.lower(), rest) for literal, rest in _by_beginning(form) if literal[:1].isalpha())


def _by_beginning(form: Form) -> Iterator[tuple[str, str]]:
    """The beginning of a code, as (literal, what follows it) pairs."""
    first = form.fields[0]
    lead = form.parts[0][0].strip()
    if (letters := re.match(r"[0-9A-Za-z]{2,}", lead)) is not None:
        yield letters[0], "{J}{0,6}" + _rest(form, 0, "")
    elif first.sort == "choice" and len(first.choices) <= _MOST_HEADS and min(map(len, first.choices)) >= 2:
        for choice in first.choices:
            yield choice, _rest(form, 1, "")
    elif len(first.head) >= 2:
        yield first.head, _after_head(form, first)
    else:
        yield from _by_separator(form)


def _after_head(form: Form, first: Field) -> str:
    """What follows the fixed beginning of the first field: its rest and the fields after it, or its rest broken off."""
    if first.sort != "digits":
        return first.pattern[len(first.head) :] + _rest(form, 1, "")
    low, high = first.low - len(first.head), first.high - len(first.head)
    rest = "[0-9]" * low + (f"[0-9]{{0,{high - low}}}" if high > low else "")
    middles, body = _up_to_body(form, 1)
    is_word_free = bool(form.parts[1][0]) and sum(part.high for part in middles[:1]) == 1
    # A year before a bracket or a word is that of a citation or a date.
    guard = r"(?!\)|[ ,.;]{0,3}[A-Za-z]{2})" if is_word_free else ""
    whole = rest + guard + _rest(form, 1, "".join(part.pattern for part in middles))
    if not middles or body is None:
        return whole
    broken = f"{{1B}}{{B}}{{0,2}}{rest}{{J}}{{0,4}}{_strict(middles)}{{J}}{{1,4}}+{{D}}{{3}}"
    return f"(?:{whole}|{broken})"


def _by_separator(form: Form) -> Iterator[tuple[str, str]]:
    """A form that begins with nothing fixed: the separator after its first field and what follows that."""
    places = [place for place, (literal, _) in enumerate(form.parts) if place and literal.strip()]
    if not places:
        return
    literal = form.parts[places[0]][0].strip()
    middles, body = _up_to_body(form, places[0])
    if body is None:
        return
    if not middles and body.sort != "digits":
        blank = rf"(?:(?<=[0-9A-Z]{re.escape(literal)})\s)?"  # not that after a full stop
        yield literal, f"{blank}{_strict([body])}{_END}"
        return
    if not middles:
        yield literal, "{J}{0,3}" + _digits(body)
        return
    next_sign = form.parts[places[0] + len(middles)][0].strip()
    in_either_case = f"{_strict(middles)}{re.escape(next_sign)}{{J}}{{0,3}}{_digits(body)}" if next_sign else "(?!)"
    loose = "".join(f"(?:{part.pattern})" for part in middles)
    between = "{J}{1,6}+" if next_sign else "{J}{0,3}"
    yield literal, f"{{J}}{{0,3}}(?:{loose}{between}{_digits(body)}|{in_either_case})"


def _up_to_body(form: Form, place: int) -> tuple[list[Field], Field | None]:
    """From this place on the short fields and the first long one, which tells most; None where there is none."""
    middles: list[Field] = []
    for part in form.fields[place:]:
        if part.optional:
            break
        if part.high >= 3:
            return middles, part
        middles.append(part)
    return middles[:-1], middles[-1] if middles else None


def _rest(form: Form, place: int, joined: str) -> str:
    """The fields from this place on up to the first long one, in any damage a window is worth.

    ``joined``: pattern of the short fields where no separator stands before them; nothing where that is not looked for.
    """
    middles, body = _up_to_body(form, place)
    if body is None:
        return "{J}{0,8}" + _ANY
    kinds = form.last_choices if _ending(form) is not None else ""
    between = "{J}{1,8}+" if form.parts[place][0].strip() else "{J}{0,8}"
    short = "{J}{0,8}".join(_loose(part) for part in middles)
    if not middles:
        return f"(?:{between}{_body(body, kinds)}|{_joined(body, kinds)})"
    apart = f"{between}{short}(?:{{J}}{{1,8}}+{_body(body, kinds)}|{_joined(body, kinds)})"
    if not joined:
        return apart
    low, high = body.low, body.high + 1
    ends = f"{{J}}{{0,3}}{kinds}{_END}" if kinds else _END
    together = f"[{_confused(joined)}](?:{{J}}{{1,8}}+(?:{{D}}{{{max(1, low - 2)},{high}}}{ends}|{{D}}{{{low},{high}}})|{{D}}{{{low}}}{ends})"
    return f"(?:{apart}|{together})" if re.fullmatch(r"\[[^\[\]]+\]", joined) else apart


def _body(body: Field, kinds: str) -> str:
    """The long field after a separator: whole but for one character, or cut in two, or with a letter in it, or short."""
    if body.sort != "digits":
        return f"(?i:{body.pattern})" if body.sort == "characters" else body.spaced
    if body.low < 3:
        return _digits(body)
    short = f"{{D}}{{1,{body.low - 2}}}"
    part = f"{{D}}{{1,{body.low - 1}}}"
    found = [_digits(body), f"{short}[A-Za-z]{{D}}"]
    if kinds:
        first = "".join(sorted({choice[0] for choice in re.findall("[A-Z]+", kinds)}))
        found += [
            f"{part}{{B}}{{1,4}}{part}{{J}}{{0,4}}{kinds}{_END}",
            f"{short}(?:{{J}}{{0,4}}[{first}]|[.,_-][{first.lower()}]){_END}",
        ]
    else:
        found.append(f"{part}{{B}}{{1,4}}{{D}}{{2}}")
    return f"(?:{'|'.join(found)})"


def _joined(body: Field, kinds: str) -> str:
    """The long field where its separator is lost."""
    if body.sort != "digits":
        return _body(body, kinds)
    low, high = max(1, body.low - 1), body.high + 1
    with_kind = f"{{D}}{{{low},{high}}}{{J}}{{0,3}}(?:5|{kinds}){_END}|" if kinds else ""
    return f"(?:{with_kind}{{D}}{{{body.low},{high}}}{_END})"


def _digits(body: Field) -> str:
    """Enough of a long field of digits to go by."""
    return f"{{D}}{{{max(1, body.low - 1)}}}"


def _loose(part: Field) -> str:
    """A short field in any damage, a long one of about its length."""
    return _ANY if part.high == 1 else f"{_ANY}{{{max(1, part.low - 1)},{part.high + 1}}}"


def _strict(parts: list[Field]) -> str:
    """Fields as they must be, in either case."""
    return "(?i:" + "".join(part.spaced for part in parts) + ")"


def _confused(one_class: str) -> str:
    """The inside of a class of characters, with what a 0 and a 1 are confused with."""
    inside = one_class.strip("[]")
    return inside + ("l|IO" if re.search(r"0|\[?0-9", inside) else "")
