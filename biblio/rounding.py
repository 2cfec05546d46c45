"""How shares become words: one place, so that page, file, paper and terminal round the same share to the same figure."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal


def percents(share: float, digits: int = 0) -> str:
    """Return a share 0–1 as a number of percents, halves rounded up: 0.125 is "13".

    What the binary fraction adds or takes beyond the twelfth place is no part of the share: 0.285 is "29".
    """
    written = Decimal(repr(float(share))) * 100
    exact = round(written, 12)
    return f"{exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"
