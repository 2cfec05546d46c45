"""The shape of a profile, and the loader that refuses one with unknown or missing keys."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from biblio.clock import months_after, years_after
from biblio.observatory.questionnaire import Questionnaire

_PROFILES = Path(__file__).resolve().parent.parent / "observatories"

_LAST_DAY = date(2200, 12, 31)
"""Far beyond any day that a registry can know."""


class ProfileError(ValueError):
    """A profile cannot be used; the message names the file and the key."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Partner(_Strict):
    """A library or executive that shares the bibliography. ``key`` is what the project list calls it."""

    key: str
    name: str
    library: str


class Region(_Strict):
    """Countries that reports count together, by the country of a paper's first author.

    Those who are members today: papers of the years before a country joined count for its region too.
    """

    key: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,15}$")
    name: str = Field(min_length=1, max_length=80)
    countries: tuple[str, ...] = ()
    """ISO 3166-1 codes of two capitals. None: all countries that no other region has."""

    @field_validator("countries")
    @classmethod
    def _codes(cls, countries: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [code for code in countries if not (len(code) == 2 and code.isascii() and code.isupper())]:
            raise ValueError(f"is no country's code of two capitals: {', '.join(wrong)}")
        return countries


class Cycle(_Strict):
    """One proposal cycle. ``ends_on`` is the last day its regular observing could take place."""

    key: str
    name: str
    starts_on: date
    ends_on: date
    group: str | None = Field(default=None, max_length=80)
    """Cycles of one group are one stratum of the questionnaire. Unset: the cycle stands alone."""


class Relation(_Strict):
    """One way a paper can relate to the observatory, with the rule shown beside its button."""

    key: Literal["science", "data_influenced", "mention", "engineering", "not_ours"]
    name: str
    rule: str
    example: str


class Asking(_Strict):
    """When a PI is asked why nothing was published (see ``survey/due.py``)."""

    grace_years: int = Field(ge=0, le=10)
    """Calendar years after the last release date before a project counts as silent."""
    clock_source: str
    """The observatory's own words for which date starts the clock."""
    preprint_counts_months: int = Field(ge=0)
    """A preprint whose relation is science keeps a project off the silent list for so many months."""
    no_release_date: tuple[date, ...] = ()
    """Release dates that mean "no usable date"."""
    open_states: tuple[str, ...] = ()
    """Registry states in which more deliveries are expected."""
    closed_states: tuple[str, ...] = ()
    """Registry states in which observing has ended, complete or not."""
    null_states: tuple[str, ...] = ()
    """Registry states that mean a project was closed as a null result: nothing to publish. In the times to publication
    that competes with a paper. None: the registry does not say so of any project."""
    carry_over_months: int = Field(default=0, ge=0)
    """Where the registry gives no state: a project is open until its cycle's end plus this."""
    open_weeks: int = Field(default=4, ge=1)
    """How long a campaign stays open."""
    reminder_days: tuple[int, ...] = ()
    """Days after the first letter on which an unused invitation is reminded."""

    def due_from(self, last_release_on: date) -> date:
        """Return the day from which a project is silent: the last release plus the grace, in calendar years."""
        return years_after(last_release_on, self.grace_years)

    def is_usable(self, released_on: date | None) -> bool:
        """Whether a release date means a day; registries write a far one for "not known"."""
        return released_on is not None and released_on not in self.no_release_date

    def open_until(self, state: str | None, cycle_ends_on: date | None) -> date | None:
        """Return the last day on which more deliveries are expected; None when observing has ended.

        The registry's state decides where the profile knows it (``date.max``: open without end); else the cycle's
        end plus the carry-over; a project of no known cycle is open without end.
        """
        if state in self.closed_states:
            return None
        if state in self.open_states or cycle_ends_on is None:
            return date.max
        return months_after(cycle_ends_on, self.carry_over_months)

    def preprint_counts_until(self, preprint_on: date) -> date:
        """Return the last day on which a science preprint keeps a project off the silent list."""
        return months_after(preprint_on, self.preprint_counts_months)


class Tap(_Strict):
    """The archive's TAP service and which of its columns mean what."""

    url: str
    table: str
    columns: Mapping[str, str]
    observatory_as_pi: tuple[str, ...] = ()
    """Values of the PI column that are no person."""
    mode: Literal["sync", "async"] = "sync"
    """"async" for an archive that answers nothing while one waits: its queries run as jobs."""
    page_rows: int = Field(default=10_000, ge=100)
    """Rows asked for at once; not more than the archive gives."""
    counts: bool = True
    """Whether the archive can be asked how many projects there are, to compare with what came."""


class DataLinks(_Strict):
    """What the records of links between papers and data say of the observatory (Scholix, DataCite).

    A project's data rarely have a DOI: ``{code}`` in ``identifier`` stands for the project's code. Unset: the address of
    the project's page, at the archive or, without one, here.
    """

    provider: str | None = None
    """Who gives the links. Unset: the observatory's name."""
    identifier: str | None = None
    identifier_scheme: str = "url"
    """What Scholix calls this kind of identifier."""
    license_url: str | None = None
    """Under which terms the links, which are facts, may be used. Unset: they do not say."""


class Plausible(_Strict):
    """What a source can plausibly give; a run that breaks it is held back until a person has looked (``ingest.limits``)."""

    minimum: int = Field(default=0, ge=0)
    """Fewest records of a complete run from the very beginning."""
    maximum: int | None = Field(default=None, ge=1)
    """Most records of one run, whatever it was asked for: more means that the service ignored a clause."""
    least_share: float = Field(default=0.0, ge=0, le=1)
    """Of a source that gives everything at every run: the least share of what it gave before."""
    fill: Mapping[str, float] = Field(default_factory=dict)
    """Field of a record (``harvesters.records``) → least share of a page's records that have it."""

    @field_validator("fill")
    @classmethod
    def _shares(cls, fill: Mapping[str, float]) -> Mapping[str, float]:
        if wrong := [name for name, share in fill.items() if not 0 <= share <= 1]:
            raise ValueError(f"is a share from 0 to 1: {', '.join(wrong)}")
        return fill


class Harvest(_Strict):
    """What to ask the literature services for."""

    arxiv_categories: tuple[str, ...]
    """Categories asked for by the API, which fills the past and holes."""
    arxiv_sets: tuple[str, ...] = ()
    """Sets of arXiv's OAI-PMH service that hold these categories: the daily path. None: OAI-PMH is left out."""
    arxiv_feeds: tuple[str, ...] = ()
    """Archives whose RSS announcements are read each morning. None: RSS is left out."""
    ads_queries: Mapping[str, str]
    """Name of a search → ADS query, without dates."""
    ads_bibgroup: str | None = None
    first_year: int
    """Year of the first science data: older papers are not asked for."""
    resweep_years: int = Field(default=3, ge=1)
    """How many years back the quarterly re-sweep of ADS asks everything anew."""
    plausible: Mapping[str, Plausible] = Field(default_factory=dict)
    """Source → what it can plausibly give."""


OWN_FACTS = frozenset({"cycle", "call", "kind", "category", "partner", "state"})
"""Facets that every project has as facts of their own, so that no column of a project list fills them anew."""


class Facet(_Strict):
    """A column of the project list that reports divide by: grade, band, array, who reduced the data.

    ``key`` stands in the addresses of pages, ``name`` in titles ("Publication fraction by …"). What a project list
    leaves out of it is counted as not known.
    """

    key: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    name: str = Field(min_length=1, max_length=80)
    column: str | None = Field(default=None, min_length=1, max_length=64)
    """What project lists call it; in CSV capitals do not matter. Unset: as its key."""
    between: str | None = Field(default=None, min_length=1, max_length=4)
    """What stands between several values of one cell, beside ";": a project counts under each."""
    names: Mapping[str, str] = Field(default_factory=dict)
    """Value → how reports name it; these rows come first, in this order, even of no project."""


class Recipe(_Strict):
    """A report that is made by itself, once for each of its periods, frozen, and mailed to its readers.

    Who the readers are is no matter of the profile, which is public, but a setting (``BIBLIO_REPORT_RECIPIENTS``).
    """

    key: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    """Never to be used for another recipe: its reports are known by it."""
    name: str = Field(min_length=1, max_length=80)
    as_of: Literal["year_end", "quarter_end", "today"]
    """The report's day: the last of the year or quarter before, or the very day on which it is made."""
    month: int | None = Field(default=None, ge=1, le=12)
    """In which month it is made. Unset: "today" is made each month, "year_end" in January."""
    day: int = Field(default=1, ge=1, le=28)
    """From which day on it is made: of ``month``, or of the first month of the quarter. "today" is made the night after."""
    themes: tuple[str, ...] = ()
    """Themes that the letter and its PDF show, by key. Unset: all. The frozen report always has all."""

    @model_validator(mode="after")
    def _fits(self) -> Recipe:
        if self.as_of == "quarter_end" and self.month is not None:
            raise ValueError(
                "a recipe for each quarter has no month: it is made on its day of the quarter's first month"
            )
        return self


class Reports(_Strict):
    """The success report: what is made by itself."""

    recipes: tuple[Recipe, ...] = ()

    @field_validator("recipes")
    @classmethod
    def _known_by_key(cls, recipes: tuple[Recipe, ...]) -> tuple[Recipe, ...]:
        keys = [recipe.key for recipe in recipes]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"two recipes have the same key: {', '.join(twice)}")
        return recipes


class _Names(_Strict):
    key: str
    name: str
    short: str
    default: bool = False
    archive_project_url: str | None = None
    code_prefix: str
    acknowledgement: str
    policy_url: str


class Profile(_Strict):
    """A whole observatory. ``codes``, ``rules``, ``keywords`` and ``relation`` are plain data for ``matching`` to check."""

    observatory: _Names
    partners: tuple[Partner, ...]
    regions: tuple[Region, ...] = ()
    cycles: tuple[Cycle, ...]
    relations: tuple[Relation, ...]
    asking: Asking
    tap: Tap | None = None
    harvest: Harvest
    facets: tuple[Facet, ...] = ()
    reports: Reports = Reports()
    data_links: DataLinks = DataLinks()
    journals: tuple[str, ...] = ()
    """The journals that are monitored at first, by any of their names (``catalogue.journals``)."""
    codes: Mapping[str, Any]
    rules: Mapping[str, Any]
    keywords: Mapping[str, Any]
    relation: Mapping[str, Any]
    questionnaire: Questionnaire
    folder: Path

    @field_validator("cycles")
    @classmethod
    def _no_sums(cls, cycles: tuple[Cycle, ...]) -> tuple[Cycle, ...]:
        if taken := sorted({c.key for c in cycles if c.key.lower() in ("all", "no-cycle")}):
            raise ValueError(
                f"no cycle can have the key {', '.join(taken)}: so reports call the sum and what has no cycle"
            )
        return cycles

    @field_validator("facets")
    @classmethod
    def _told_apart(cls, facets: tuple[Facet, ...]) -> tuple[Facet, ...]:
        for what, values in (("key", [f.key for f in facets]), ("column", [f.column or f.key for f in facets])):
            if twice := sorted({value for value in values if values.count(value) > 1}):
                raise ValueError(f"two facets have the same {what}: {', '.join(twice)}")
        if moved := [f.key for f in facets if f.key in OWN_FACTS and f.column not in (None, f.key)]:
            raise ValueError(f"stands in its own column, and can have no other: {', '.join(moved)}")
        return facets

    @field_validator("regions")
    @classmethod
    def _countries_apart(cls, regions: tuple[Region, ...]) -> tuple[Region, ...]:
        keys = [region.key.lower() for region in regions]
        codes = [code for region in regions for code in region.countries]
        for what, values in (("key", keys), ("country", codes)):
            if twice := sorted({value for value in values if values.count(value) > 1}):
                raise ValueError(f"two regions have the same {what}: {', '.join(twice)}")
        if "all" in keys:
            raise ValueError("no region can have the key all, which is that of their sum")
        if sum(not region.countries for region in regions) > 1:
            raise ValueError("only one region can be that of all other countries")
        return regions

    @property
    def facet_columns(self) -> dict[str, str]:
        """Column of a project list → the facet that it fills."""
        return {facet.column or facet.key: facet.key for facet in self.facets if facet.key not in OWN_FACTS}

    @property
    def facet_keys(self) -> frozenset[str]:
        """The facets that columns of a project list or of the archive fill."""
        return frozenset(self.facet_columns.values())

    @property
    def days_of_data(self) -> tuple[date, date]:
        """Return the first and the last day on which data can have been taken, delivered or released.

        From the year of the first science data, or the first cycle where that began before. Registries write days
        outside for "not known" (0001-01-01, 1900-01-01, 1970-01-01, 9999-12-31).
        """
        first = min((date(self.harvest.first_year, 1, 1), *(cycle.starts_on for cycle in self.cycles)))
        return first, _LAST_DAY

    def cycle(self, key: str) -> Cycle | None:
        """Return the cycle called ``key`` by the code grammar, or None for codes outside any cycle."""
        return next((c for c in self.cycles if c.key == key), None)

    def partner(self, key: str | None) -> Partner | None:
        """Return the partner that the project list calls ``key``."""
        return next((p for p in self.partners if p.key == key), None)

    def filled(self, text: str) -> str:
        """Put the observatory's short name in place of ``{observatory}``."""
        return text.replace("{observatory}", self.observatory.short)


def available() -> dict[str, Path]:
    """Return the shipped profiles: name → folder."""
    return {p.parent.name: p.parent for p in sorted(_PROFILES.glob("*/profile.toml"))}


def load(name: str | Path | None = None) -> Profile:
    """Load a profile by shipped name or folder; without a name the shipped one that says ``default = true``.

    Raises ``ProfileError`` naming the file and the key that is wrong, or the profiles there are.
    """
    if name is None:
        folder = _default_folder()
    else:
        shipped = available()
        folder = shipped[str(name)] if str(name) in shipped else Path(name)
        if not (folder / "profile.toml").is_file():
            raise ProfileError(
                f"There is no observatory profile {str(name)!r}: neither one of {', '.join(shipped)}, nor a folder that "
                "holds a profile.toml."
            )
    data = _read(folder / "profile.toml")
    for part in ("rules", "keywords", "relation", "questionnaire"):
        data[part] = _read(folder / f"{part}.toml")
    data["questionnaire"]["translations"] = _translations(folder)
    try:
        return Profile(folder=folder, **data)
    except ValidationError as error:
        lines = [f"{'.'.join(str(x) for x in e['loc'])}: {e['msg']}" for e in error.errors()]
        raise ProfileError(f"The profile in {folder.name} cannot be used:\n  " + "\n  ".join(lines)) from error


def _translations(folder: Path) -> dict[str, Any]:
    """Return the wordings of the questionnaire in other languages: ``questionnaire.es.toml`` is the one called "es"."""
    paths = sorted(folder.glob("questionnaire.*.toml"))
    return {path.name.removeprefix("questionnaire.").removesuffix(".toml"): _read(path) for path in paths}


def _default_folder() -> Path:
    marked = [f for f in available().values() if _read(f / "profile.toml").get("observatory", {}).get("default")]
    if len(marked) != 1:
        raise ProfileError(f"Exactly one shipped profile must say default = true; {len(marked)} do.")
    return marked[0]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ProfileError(f"The profile {path.parent.name} lacks {path.name}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path.parent.name}/{path.name} cannot be read: {error}") from error
