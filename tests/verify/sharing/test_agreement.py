"""Kappa and its interval: published examples, properties, and the edges."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from biblio.verify.sharing.agreement import Agreement, Table, agreement, confusion, wilson

WORDS = ("accept", "reject", "unsure")
PAIRS = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)), max_size=60)


def table(*rows: tuple[int, ...]) -> Table:
    """A table without names."""
    return Table(tuple("abcdef"[: len(rows)]), rows)


def test_the_published_example_of_diagnoses() -> None:
    """Fleiss, Levin & Paik (Statistical Methods for Rates and Proportions, table 18.1): 0.89 agree, kappa 0.68."""
    found = agreement(table((75, 1, 4), (5, 4, 1), (0, 0, 10)))
    assert found.n == 100
    assert found.raw == pytest.approx(0.89)
    assert found.chance == pytest.approx(0.66)
    assert found.kappa == pytest.approx(0.23 / 0.34)


def test_worked_out_by_hand() -> None:
    """35 of 50 agree, by chance 25 would: kappa is 0.4."""
    found = agreement(table((20, 5), (10, 15)))
    assert found.raw == pytest.approx(0.7)
    assert found.chance == pytest.approx(0.5)
    assert found.kappa == pytest.approx(0.4)
    assert found.low is not None
    assert found.high is not None
    # Wilson's interval of 35 in 50 is 0.5625 to 0.8090; (x − 0.5) / 0.5.
    assert found.low == pytest.approx(0.1250, abs=2e-4)
    assert found.high == pytest.approx(0.6180, abs=2e-4)


def test_wilson_s_interval_as_published() -> None:
    """Newcombe 1998 (Statistics in Medicine 17, 857), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for hits, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        assert list(wilson(hits, n)) == pytest.approx([low, high], abs=5e-5)
    assert list(wilson(1, 29)) == pytest.approx([0.0061, 0.1718], abs=5e-5)
    assert wilson(20, 20)[1] == 1.0
    for hits, n in ((1, 0), (-1, 5), (6, 5)):
        with pytest.raises(ValueError, match="no share"):
            wilson(hits, n)


def test_when_all_agree_the_interval_is_no_point() -> None:
    """Ten of ten agree: kappa is 1, and it may well be much less."""
    found = agreement(table((5, 0), (0, 5)))
    assert (found.kappa, found.high) == (1.0, 1.0)
    assert found.low is not None
    assert 0.3 < found.low < 0.6
    many = agreement(table((500, 0), (0, 500)))
    assert many.low is not None
    assert many.low > 0.98


def test_what_cannot_be_told_is_not_told() -> None:
    """No pair; or both said the same of all: no kappa, but the raw agreement with its interval."""
    assert agreement(table((0, 0), (0, 0))) == Agreement(0, 0)
    same = agreement(table((7, 0), (0, 0)))
    assert (same.kappa, same.low, same.high) == (None, None, None)
    assert (same.raw, same.raw_high) == (1.0, 1.0)
    assert same.raw_low == pytest.approx(wilson(7, 7)[0])


def test_unknown_words_are_refused() -> None:
    """A word outside the list would be lost in silence."""
    with pytest.raises(ValueError, match="maybe"):
        confusion([("accept", "maybe")], WORDS)


@given(PAIRS)
def test_the_table_holds_every_pair_and_kappa_is_that_of_others(pairs: list[tuple[str, str]]) -> None:
    """Counts add up; where kappa can be told it is scikit-learn's; its interval holds it and stays in range."""
    made = confusion(pairs, WORDS)
    found = agreement(made)
    assert made.n == found.n == len(pairs)
    assert found.agreed == sum(one == other for one, other in pairs)
    if found.kappa is None:
        assert len({word for pair in pairs for word in pair}) <= 1
        return
    theirs = cohen_kappa_score([one for one, _ in pairs], [other for _, other in pairs], labels=list(WORDS))
    assert found.kappa == pytest.approx(theirs)
    assert found.low is not None
    assert found.high is not None
    assert -1.0 <= found.low <= found.kappa + 1e-12
    assert found.kappa - 1e-12 <= found.high <= 1.0
    assert found.high - found.low > 0


@given(PAIRS)
def test_who_is_first_and_the_order_of_words_change_nothing(pairs: list[tuple[str, str]]) -> None:
    """Kappa treats both readers alike, and the names of what they say."""
    one = agreement(confusion(pairs, WORDS))
    turned = agreement(confusion([(b, a) for a, b in pairs], WORDS[::-1]))
    for name in ("n", "agreed", "raw", "chance", "kappa", "low", "high"):
        mine, theirs = getattr(one, name), getattr(turned, name)
        assert mine == theirs or math.isclose(mine, theirs, abs_tol=1e-12)


def test_more_pairs_of_the_same_kind_narrow_the_interval() -> None:
    """Ten times the same table: the same kappa, told more surely."""
    few, many = agreement(table((18, 2), (3, 17))), agreement(table((180, 20), (30, 170)))
    assert few.kappa == pytest.approx(many.kappa)
    assert few.low is not None
    assert many.low is not None
    assert few.high is not None
    assert many.high is not None
    assert many.high - many.low < 0.5 * (few.high - few.low)


@pytest.mark.parametrize(("n", "accuracy"), [(20, 0.95), (60, 0.85), (200, 0.99)], ids=["few", "some", "many"])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(n: int, accuracy: float) -> None:
    """Two readers who err on their own, 400 draws: the true kappa lies within in at least 91 of 100."""
    luck = random.Random(5)
    share, held, told = 0.7, 0, 0
    both = accuracy**2 + (1 - accuracy) ** 2
    says = share * accuracy + (1 - share) * (1 - accuracy)
    chance = says**2 + (1 - says) ** 2
    truth = (both - chance) / (1 - chance)
    for _ in range(400):
        pairs = []
        for _ in range(n):
            right = luck.random() < share
            first, second = (right == (luck.random() < accuracy) for _ in range(2))
            pairs.append(("accept" if first else "reject", "accept" if second else "reject"))
        found = agreement(confusion(pairs, WORDS))
        if found.low is not None and found.high is not None:
            told += 1
            held += found.low <= truth <= found.high
    assert told > 390
    assert held / told >= 0.91
