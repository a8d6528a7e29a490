"""The page and the picture, by what a diary says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.story.diary import Diary, Entry
from tests.story.report import Label, Told, labels, page, picture

GOLDEN = Path(__file__).with_name("golden")
WANTED = {"fired": "The alert fires", "resolved": "It is gone | for good"}


def diary(*seen: str) -> Diary:
    told = json.loads((GOLDEN / "diary.json").read_text(encoding="utf-8"))
    return Diary(
        WANTED,
        started=0,
        entries=[Entry(**each) for each in told["entries"]],
        samples=[(at, usage) for at, usage in told["samples"]],
        facts={name: told["facts"][name] for name in seen},
    )


TOLD = {
    "seen.md": lambda: page(Told(diary("fired", "resolved"), kill="opa", is_scripted=True)),
    "missing.md": lambda: page(Told(diary("fired"), kill="", is_scripted=False, why="Broken: 3 s")),
    "cluster.md": lambda: page(Told(diary("fired", "resolved"), "", is_scripted=True, on_cluster=True)),
    "usage.svg": lambda: picture(diary("fired")),
}


@pytest.mark.parametrize("name", TOLD)
def test_it_reads_as_agreed(name: str, renew: bool) -> None:
    path, text = GOLDEN / name, TOLD[name]()
    if renew:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_what_is_told_cannot_break_the_table_nor_the_picture() -> None:
    odd = diary("fired")
    odd.facts["fired"] = "a | b\n| c"
    odd.entries.append(Entry(9.0, "x", "<script>"))
    assert "| The alert fires | a \\| b \\| c |" in page(Told(odd, "", is_scripted=True))
    assert "<script>" in [each.text for each in ET.fromstring(picture(odd)).iter()]


def test_a_diary_that_ended_at_once_has_a_page_and_a_picture() -> None:
    empty = Diary(WANTED)
    assert "**not seen**" in page(Told(empty, "", is_scripted=True, why="no etcd"))
    ET.fromstring(picture(empty))


marks = st.text("abcdefgh ", min_size=1, max_size=30)
entries = st.lists(st.builds(Entry, at=st.floats(0, 300), what=marks, mark=marks), max_size=20)


@given(entries, st.floats(1, 20))
def test_no_label_overlaps_another_and_no_line_crosses_one(told: list[Entry], scale: float) -> None:
    placed = labels(told, scale)
    assert [each.text for each in placed] == [each.mark for each in sorted(told, key=lambda each: each.at)]
    for label in placed:
        others = [each for each in placed if each is not label]
        assert not any(each.lane == label.lane and overlaps(each, label) for each in others)
        assert not any(each.lane >= label.lane and label.x < each.x <= label.end for each in others)


def overlaps(one: Label, other: Label) -> bool:
    return one.x <= other.end and other.x <= one.end


def test_texts_of_the_picture_stay_within_it() -> None:
    text = picture(diary())
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', text)
    assert box
    at = [float(each) for each in re.findall(r'<text x="([\d.]+)"', text)]
    heights = sorted(float(each) for each in re.findall(r'<text x="[\d.]+" y="([\d.]+)"', text))
    assert max(at) < float(box[1]) and heights[0] > 0 and heights[-1] < float(box[2])
