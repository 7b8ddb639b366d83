"""Which days are holidays in a region?

Regions are ISO 3166-1 or 3166-2 codes; the days come from the library `holidays` 0.108 (its own data).
"""

from __future__ import annotations

import functools
import re
import warnings
from datetime import date
from typing import Any

from tocsin.policy.cel_text import did_you_mean

YEARS = range(2020, 2041)
_REGION = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?\Z")


class UnknownRegion(ValueError):
    """There is no such region; the message says what to write."""


@functools.lru_cache(maxsize=64)
def days_of(region: str) -> frozenset[date]:
    """The public holidays of a region, 2020 to 2040; raises UnknownRegion."""
    import holidays  # Here, because it costs 100 ms and many configurations name no region.

    match = _REGION.match(region)
    if not match:
        raise UnknownRegion(f'"{region}" is no ISO 3166-2 region: write DE-BE, GB-ENG or US')
    country, subdivision = match.groups()
    supported: Any = holidays.list_supported_countries(include_aliases=True)
    if country not in supported:
        raise UnknownRegion(f"no holidays are known for {country}{did_you_mean(country, list(supported))}")
    known = list(supported[country])
    if subdivision and subdivision not in known:
        listed = ", ".join(known[:20]) or "none"
        raise UnknownRegion(f"{country} has no region {subdivision}; known are: {listed}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "available only until 2035": what there is will do.
        return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=YEARS))
