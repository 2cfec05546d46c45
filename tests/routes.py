"""Compiled routes, shared by all apps that one process of tests makes: werkzeug parses each and compiles Python for it twice.

What comes out depends on the route's text and defaults alone, as all our apps have the same converters.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, ClassVar

from werkzeug.routing import Rule
from werkzeug.routing.rules import RulePart


class CompiledRule(Rule):
    """A route that takes its parts, and the function that builds addresses, from an equal one that was compiled before."""

    kept: ClassVar[dict[Hashable, Callable[..., tuple[str, str]]]] = {}
    parsed: ClassVar[dict[str, tuple[list[RulePart], list[tuple[bool, str]], dict[str, Any]]]] = {}

    def _parse_rule(self, rule: str) -> list[RulePart]:
        if rule not in self.parsed:
            before, self._trace, self._converters = self._trace, [], {}
            self.parsed[rule] = list(super()._parse_rule(rule)), self._trace, self._converters
            self._trace = before
        parts, trace, converters = self.parsed[rule]
        self._trace.extend(trace)
        self._converters = dict(converters)
        self.arguments.update(converters)
        return parts

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if key not in self.kept:
            self.kept[key] = super()._compile_builder(append_unknown)
        return self.kept[key]
