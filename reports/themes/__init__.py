"""The themes of a report: one module each, from what was counted to tables of figures. Pure: no database, no clock."""

from types import ModuleType

from biblio.garbage import collecting_later
from reports.document import Theme
from reports.facts.counted import Counted
from reports.themes import bibliography, citations, comparison, data, fraction, papers, people, silence, speed

THEMES: dict[str, ModuleType] = {
    module.KEY: module
    for module in (fraction, speed, papers, citations, people, data, silence, comparison, bibliography)
}
"""The themes by key, in the order of the pages."""

OF_AUTHORS = frozenset(module.KEY for module in (papers, citations, people, data, comparison))
"""Those that ask who the authors are and whether they are of teams, which takes longest to find out."""


def theme_of(counted: Counted, key: str) -> Theme:
    """Return one theme, worked out once for all who ask. Raises ``KeyError`` for a key there is not."""
    if key not in counted.themes:
        module = THEMES[key]
        with collecting_later():
            tables = module.tables(counted)
        counted.themes[key] = Theme(key, module.NAME, module.QUESTION, tables)
    return counted.themes[key]
