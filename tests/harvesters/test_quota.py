"""What the ledger of requests promises, without any server."""

from __future__ import annotations

import pytest

from harvesters.quota import Quota, QuotaLedger, endpoint_of


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://example.org/v1/biblib/libraries/xyz", "/v1/biblib/libraries"),
        ("https://example.org/v1/biblib/libraries/BeUbSWXtTPCaRhRV3nec_w?rows=3", "/v1/biblib/libraries"),
        ("http://127.0.0.1:5/ads/v1/search/query?q=x", "/ads/v1/search/query"),
        ("https://example.org/v1/metrics", "/v1/metrics"),
        ("https://example.org/e-print/2101.00001v1", "/e-print"),
        ("https://example.org/e-print/astro-ph/0101001", "/e-print"),
        ("https://example.org/e-print/math.GT/0309136v2", "/e-print"),
        ("https://example.org/api/query?id_list=1", "/api/query"),
        ("https://example.org/tap/async/Job17/phase", "/tap/async"),
        ("https://example.org", "/"),
        ("https://example.org/2101.00001", "/"),
    ],
)
def test_endpoint_is_the_path_without_ids(url: str, endpoint: str) -> None:
    """A service counts by what is asked for, not by which one."""
    assert endpoint_of(url) == endpoint


def test_what_headers_leave_out_stays_known() -> None:
    """A header with half of the facts does not forget the other half."""
    ledger = QuotaLedger([Quota("/x", 100, 40, None)])
    ledger.heard("/x", {"X-RateLimit-Remaining": "17"})
    assert (ledger.quotas["/x"].limit, ledger.quotas["/x"].remaining) == (100, 17)
    assert ledger.quotas["/x"].resets_at is not None


def test_own_count_never_falls_below_nothing() -> None:
    """More requests than were left are none left, not fewer."""
    ledger = QuotaLedger(default_limit=1)
    for _ in range(3):
        ledger.sent("/x")
    current = ledger.current("/x")
    assert current is not None
    assert current.remaining == 0
    assert ledger.current("/y") is not None
    assert QuotaLedger().current("/x") is None
