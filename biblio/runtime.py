"""The one place where things are wired: settings, profile with its self-test, database, clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version

from sqlmodel import Session

from biblio.clock import Clock
from biblio.errors import StartRefused
from biblio.observatory import Profile, ProfileError, load
from biblio.settings import Settings, load_settings
from biblio.store import Store, check_schema, make_engine
from biblio.store.models import ObservatoryChoice
from matching.codes import Grammar, GrammarError
from matching.keywords import Keywords
from matching.relation import RelationRules
from matching.rules import Rules


@cache
def biblio_version() -> str:
    """Return the installed version, or "0" when run from a folder that was never installed."""
    try:
        return version("observatory-biblio")
    except PackageNotFoundError:
        return "0"


@dataclass(frozen=True)
class Runtime:
    """What every door hands to services: settings, one observatory, the database and the clock."""

    settings: Settings
    profile: Profile
    store: Store
    clock: Clock

    @cached_property
    def grammar(self) -> Grammar:
        """The profile's code grammar."""
        return Grammar.from_plain(self.profile.codes)

    @cached_property
    def rules(self) -> Rules:
        """The profile's evidence rules: weights and bands."""
        return Rules.from_plain(self.profile.rules)

    @cached_property
    def keywords(self) -> Keywords:
        """The words by which papers name the observatory."""
        return Keywords.from_plain(self.profile.keywords)

    @cached_property
    def relation_rules(self) -> RelationRules:
        """What papers say when they use the observatory's data, and when they only speak of it."""
        return RelationRules.from_plain(self.profile.relation, self.keywords)


def build_runtime(settings: Settings | None = None, *, clock: Clock | None = None) -> Runtime:
    """Build the runtime of this process, once. Raises ``StartRefused`` with what to put in order.

    The database must be at this version's schema, the profile's examples must hold, and a database made for one
    observatory is refused under another profile.
    """
    settings = settings or load_settings()
    store = Store(make_engine(settings.database))
    check_schema(store.engine)
    with store.reading() as session:
        chosen = session.get(ObservatoryChoice, 1)
        name = chosen.profile if chosen else None
    if settings.observatory and name and settings.observatory != name:
        raise StartRefused(
            f"This database belongs to the profile {name!r}, but BIBLIO_OBSERVATORY says {settings.observatory!r}."
        )
    profile = checked_profile(settings.observatory or name)
    return Runtime(settings=settings, profile=profile, store=store, clock=clock or Clock())


def checked_profile(name: str | None) -> Profile:
    """Load a profile and run its examples. Raises ``StartRefused`` naming the example that fails."""
    try:
        profile = load(name)
        Grammar.from_plain(profile.codes).self_test()
        Rules.from_plain(profile.rules)
        _check_relation(profile)
    except (ProfileError, GrammarError, ValueError) as error:
        raise StartRefused(f"The observatory profile cannot be used: {error}") from error
    return profile


def _check_relation(profile: Profile) -> None:
    """Raise ``ProfileError`` where phrases speak for a relation that nobody can choose."""
    rules = RelationRules.from_plain(profile.relation, Keywords.from_plain(profile.keywords))
    rules.self_test()
    if unknown := sorted(set(rules.start) - {relation.key for relation in profile.relations}):
        raise ProfileError(f"relation.toml: start: {unknown[0]!r} is no relation of profile.toml.")


def choose_observatory(session: Session, profile: Profile, clock: Clock) -> None:
    """Note which observatory this database is for. Raises ``StartRefused`` when it is another's already."""
    key = profile.observatory.key if profile.folder.name == profile.observatory.key else str(profile.folder.resolve())
    chosen = session.get(ObservatoryChoice, 1)
    if chosen is None:
        session.add(ObservatoryChoice(id=1, profile=key, chosen_at=clock.now()))
    elif chosen.profile != key:
        raise StartRefused(
            f"This database belongs to the profile {chosen.profile!r}; use another database for {key!r}."
        )
