"""Regions of a profile: countries that reports count together."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from biblio.observatory import Profile, available, load
from biblio.observatory.profile import Region
from matching.places import known_countries


def made(*regions: Region) -> Profile:
    """Return the default profile with other regions, checked anew."""
    said = load().model_dump()
    return Profile(**(said | {"regions": [region.model_dump() for region in regions]}))


@pytest.mark.parametrize("name", sorted(available()))
def test_shipped_regions_name_countries_that_can_be_read(name: str) -> None:
    """Every country of a shipped profile's region is one that an affiliation can be read as, and one region takes the rest."""
    regions = load(name).regions
    assert {code for region in regions for code in region.countries} <= known_countries()
    assert sum(not region.countries for region in regions) == 1


def test_a_country_is_in_one_region() -> None:
    """Two regions with one country would count its papers twice, two without any would share the rest: refused."""
    with pytest.raises(ValidationError, match="two regions have the same country: DE"):
        made(Region(key="A", name="A", countries=("DE", "FR")), Region(key="B", name="B", countries=("DE",)))
    with pytest.raises(ValidationError, match="two regions have the same key: a"):
        made(Region(key="A", name="A", countries=("DE",)), Region(key="a", name="B", countries=("FR",)))
    with pytest.raises(ValidationError, match="only one region"):
        made(Region(key="A", name="A"), Region(key="B", name="B"))


def test_a_country_is_written_as_its_code() -> None:
    """Names in place of codes are refused, for no affiliation would ever be counted there."""
    with pytest.raises(ValidationError, match="no country's code"):
        Region(key="A", name="A", countries=("Germany",))
