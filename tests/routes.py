"""Compiled routes, shared by all apps that one process of tests makes: werkzeug compiles Python for each route twice.

What is compiled depends on the route's text and defaults alone; the converters are the app's own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import ClassVar

from werkzeug.routing import Rule


class CompiledRule(Rule):
    """A route whose function that builds addresses is taken from an equal route that was compiled before."""

    kept: ClassVar[dict[Hashable, Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if key not in self.kept:
            self.kept[key] = super()._compile_builder(append_unknown)
        return self.kept[key]
