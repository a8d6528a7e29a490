from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.in_flight import MAX_IN_FLIGHT, RESERVED, SMALL, InFlight, Share
from function.shared.errors import Unavailable
from function.shared.strict_json import MAX_BODY


def test_the_largest_delivery_leaves_room_for_others_but_not_for_a_second_one_like_it() -> None:
    assert MAX_BODY <= MAX_IN_FLIGHT - RESERVED < MAX_IN_FLIGHT < 2 * MAX_BODY


def test_large_deliveries_leave_room_for_small_ones() -> None:
    everything = InFlight()
    for _ in range((MAX_IN_FLIGHT - RESERVED) // (2 * SMALL)):
        Share(everything).reach(2 * SMALL)
    with pytest.raises(Unavailable):
        Share(everything).reach(2 * SMALL)
    small = [Share(everything) for _ in range(RESERVED // SMALL)]
    for share in small:
        share.reach(SMALL)


def test_a_delivery_that_turns_out_to_be_large_has_no_part_in_what_is_reserved() -> None:
    everything = InFlight(2 * SMALL, SMALL)
    share = Share(everything)
    share.reach(SMALL)
    with pytest.raises(Unavailable):
        share.reach(SMALL + 1)
    Share(everything).reach(SMALL)


def test_what_finds_no_room_is_refused_and_takes_none() -> None:
    everything = InFlight(10)
    first, second = Share(everything), Share(everything)
    first.reach(6)
    second.reach(4)
    with pytest.raises(Unavailable) as refusal:
        second.reach(5)
    assert refusal.value.code == "busy"
    first.end()
    second.reach(10)


def test_bytes_that_were_declared_are_not_counted_again_when_they_arrive() -> None:
    share = Share(InFlight(10))
    for count in (10, 3, 7, 10):
        share.reach(count)


def test_what_was_given_back_twice_counts_once() -> None:
    everything = InFlight(10)
    share, other = Share(everything), Share(everything)
    share.reach(10)
    share.end()
    share.end()
    other.reach(10)
    with pytest.raises(Unavailable):
        share.reach(1)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 12))))
def test_there_is_never_more_in_flight_than_the_limit(steps: list[tuple[int, int]]) -> None:
    """A negative count ends the share."""
    everything = InFlight(20)
    shares, taken = [Share(everything) for _ in range(5)], [0] * 5
    for number, count in steps:
        if count < 0:
            shares[number].end()
            taken[number] = 0
            continue
        fits = sum(taken) - taken[number] + max(count, taken[number]) <= 20
        try:
            shares[number].reach(count)
            assert fits
            taken[number] = max(count, taken[number])
        except Unavailable:
            assert not fits
