from __future__ import annotations

import pytest

from function.dispatch.room import Room


def test_a_text_that_fits_is_kept_and_uses_room() -> None:
    room = Room(5)
    assert (room.fit("abc"), room.left) == ("abc", 5)
    assert (room.take("abc"), room.left) == ("abc", 2)
    assert room.has_some() and not room.is_short


def test_a_text_that_does_not_fit_is_cut_and_that_is_known() -> None:
    room = Room(5)
    assert room.take("abcdef") == "abcde"
    assert room.is_short and room.left == 0


@pytest.mark.parametrize("characters", [0, 5])
def test_more_to_read_without_room_is_left_out(characters: int) -> None:
    room = Room(characters)
    room.take("abcde"[:characters])
    assert not room.is_short
    assert not room.has_some() and room.is_short
