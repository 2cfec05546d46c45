"""What the ledger of requests promises, without any server."""

from __future__ import annotations

import time

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
        ("https://example.org/tap/async/\x1b[31mjob", "/tap/async"),
        ("https://example.org/tap/a\x00b", "/tap"),
        ("https://example.org/tap/\u202egpj.exe", "/tap"),
        ("https://example.org/tap/\udcff", "/tap"),
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


def test_a_number_that_never_falls_is_not_believed() -> None:
    """A header that says the same after each request would have us ask for ever; a lower one than ours is believed."""
    now = int(time.time())
    ledger = QuotaLedger()
    left = []
    for told in (100, 100, 100, 40, 100):
        ledger.sent("/x")
        ledger.heard("/x", {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": str(told)})
        left.append(ledger.quotas["/x"].remaining)
    assert left == [100, 99, 98, 40, 39]
    ledger = QuotaLedger([Quota("/x", 100, 1, now + 3_600)])
    for hour in (2, 3):
        ledger.sent("/x")
        header = {"Limit": "100", "Remaining": "100", "Reset": str(now + hour * 3_600)}
        ledger.heard("/x", {f"X-RateLimit-{name}": value for name, value in header.items()})
    assert ledger.quotas["/x"] == Quota("/x", 100, 0, now + 3_600)


def test_a_new_limit_is_less_what_was_asked_of_the_old_one() -> None:
    """What was assumed before the service spoke does not hold against what it says."""
    ledger = QuotaLedger(default_limit=50)
    ledger.sent("/x")
    ledger.heard("/x", {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999"})
    assert (ledger.quotas["/x"].limit, ledger.quotas["/x"].remaining) == (5000, 4999)
