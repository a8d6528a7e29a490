from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch import storm
from function.dispatch.model import DeadLetter, JobStatus, Outcome, Result
from function.dispatch.storm import FOLD_ABOVE
from function.dispatch.storm_event import storm_event
from function.shared.event import STORM, SREEvent
from function.shared.strict_json import to_json
from tests.harness.fakes import event, known
from tests.harness.process import ROOT
from tests.harness.reading import identity_of
from tests.harness.storms import EARLIER, GROUP, HERE, LATER, alert, alerts, job_of, of


def gathered(members: Sequence[SREEvent], jobs: dict[str, JobStatus] | None = None) -> tuple[int, int]:
    """How many of the alerts are in a storm, and how many in none."""
    storms, rest = storm.gather(of(*members), jobs or {})
    return sum(len(found.alerts) for found in storms), len(rest)


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (FOLD_ABOVE, 0), (FOLD_ABOVE + 1, FOLD_ABOVE + 1)])
def test_more_new_problems_than_the_limit_are_a_storm(count: int, expected: int) -> None:
    assert gathered(alerts(count)) == (expected, count - expected)


def test_one_problem_told_often_is_no_storm() -> None:
    assert gathered(alerts(FOLD_ABOVE) + alerts(FOLD_ABOVE)) == (0, 2 * FOLD_ABOVE)


def test_what_has_a_job_of_its_own_is_resolved_or_unreadable_does_not_count() -> None:
    busy, ended = alert(500), alert(501, status="resolved")
    broken = DeadLetter("bad_labels", {})
    jobs = {busy.job: known(busy)}
    storms, rest = storm.gather(of(busy, ended, broken, *alerts(FOLD_ABOVE)), jobs)
    assert storms == [] and len(rest) == FOLD_ABOVE + 1
    storms, rest = storm.gather(of(busy, ended, broken, *alerts(FOLD_ABOVE + 1)), jobs)
    assert len(storms) == 1 and rest == [busy]


def test_a_problem_that_also_resolved_is_in_the_storm_with_its_firing_alert_alone() -> None:
    ended = replace(alert(0), status="resolved")
    storms, rest = storm.gather(of(ended, *alerts(FOLD_ABOVE + 1)), {})
    assert len(storms[0].alerts) == FOLD_ABOVE + 1 and ended not in storms[0].alerts and rest == []


def test_a_storm_begins_where_the_policys_budget_for_an_hour_ends() -> None:
    budget = yaml.safe_load((ROOT / "policies" / "config" / "budget" / "data.yaml").read_text())
    assert budget["max_started_per_hour"] == FOLD_ABOVE


def test_each_cluster_has_a_storm_of_its_own_and_counts_for_itself() -> None:
    there = alerts(FOLD_ABOVE + 1, start=100, cluster="there")
    few = alerts(FOLD_ABOVE, start=200, cluster="elsewhere")
    storms, rest = storm.gather(of(*alerts(FOLD_ABOVE + 1), *there, *few), {})
    assert [found.identity for found in storms] == [HERE, storm.identify("there", GROUP)]
    assert [{one.cluster for one in found.alerts} for found in storms] == [{event().cluster}, {"there"}]
    assert rest == few


def test_while_the_storms_job_is_there_all_that_began_before_it_stay_folded_however_few() -> None:
    assert gathered(alerts(3), job_of(HERE)) == (3, 0)


def test_new_problems_after_the_storms_job_was_made_are_worked_on_singly_unless_they_are_a_storm() -> None:
    few, many = (alerts(count, 100, starts_at=LATER) for count in (FOLD_ABOVE, FOLD_ABOVE + 1))
    assert gathered(alerts(30) + few, job_of(HERE)) == (30, FOLD_ABOVE)
    assert gathered(alerts(30) + many, job_of(HERE)) == (30 + FOLD_ABOVE + 1, 0)


def test_a_problem_told_twice_began_when_it_was_first_told_of() -> None:
    assert gathered([alert(0, starts_at=LATER), alert(0)], job_of(HERE)) == (2, 0)


LABELS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)


def test_a_used_share_makes_one_notice_for_each_namespace_and_says_whose_it_is() -> None:
    denied = [
        Result(alert(n, charged_to=space), Outcome.DENIED, "share_hour")
        for n, space in enumerate(("shop", "shop", "crm"))
    ]
    told = [(each.summary()["charged_to"], each.alerts) for each in storm.notices(denied)]
    assert told == [("shop", 2), ("crm", 1)]


@given(st.text(max_size=8), LABELS, st.booleans())
def test_no_alert_can_have_a_storms_identity(cluster: str, labels: dict[str, str], same: bool) -> None:
    """Not even one that is called as storms are, in a group by all of its labels."""
    named = {**labels, "alertname": STORM}
    group = named if same else labels
    assert storm.identify(cluster, group) != identity_of(named, cluster)


@given(LABELS, LABELS)
def test_two_groups_have_two_identities(one: dict[str, str], other: dict[str, str]) -> None:
    assert (storm.identify("fmc", one) == storm.identify("fmc", other)) == (one == other)
    assert storm.identify("fmc", one) != storm.identify("other", one)


MEMBERS = st.lists(
    st.builds(
        alert,
        st.integers(0, 40),
        starts_at=st.sampled_from([EARLIER, LATER]),
        severity=st.sampled_from(["LOW", "MEDIUM", "HIGH"]),
        description=st.sampled_from(["a", "b"]),
        alertname=st.sampled_from(["A", "B"]),
    ),
    min_size=1,
    max_size=60,
)


@given(MEMBERS, st.randoms(use_true_random=False))
def test_the_order_of_the_alerts_shows_nowhere(members: list[SREEvent], chance: random.Random) -> None:
    shuffled = chance.sample(members, len(members))
    storms, _ = storm.gather(of(*members), job_of(HERE, EARLIER))
    again, _ = storm.gather(of(*shuffled), job_of(HERE, EARLIER))
    assert [(found.identity, found.alerts) for found in storms] == [
        (found.identity, found.alerts) for found in again
    ]
    one, other = (storm_event(HERE, order, GROUP, 0) for order in (members, shuffled))
    assert to_json(one.raw_payload) == to_json(other.raw_payload) and one == other


@given(MEMBERS, st.booleans())
def test_every_alert_is_in_one_storm_or_in_none(members: list[SREEvent], there: bool) -> None:
    storms, rest = storm.gather(of(*members), job_of(HERE) if there else {})
    inside = [one for found in storms for one in found.alerts]
    assert sorted(map(id, [*inside, *rest])) == sorted(map(id, members))
    assert len(storms) <= 1


def result(number: int, outcome: Outcome, code: str = "", job: str = "") -> Result:
    return Result(alert(number), outcome, code, job=job)


def test_people_are_told_once_of_all_that_share_a_job() -> None:
    held = [result(number, Outcome.HELD, "run_failed", "sre-1") for number in range(3)]
    (notice,) = storm.notices(held)
    assert (notice.alerts, notice.job, notice.summary()["alerts"]) == (3, "sre-1", "3")


def test_people_are_told_of_each_alert_unless_these_are_too_many() -> None:
    blocked = [result(number, Outcome.BLOCKED, "critical") for number in range(FOLD_ABOVE)]
    other = result(99, Outcome.DENIED, "own_object")
    assert storm.notices([*blocked, other]) == [*blocked, other]
    assert "alerts" not in other.summary()
    many = [*blocked, result(98, Outcome.BLOCKED, "critical"), other]
    assert [notice.alerts for notice in storm.notices(many)] == [FOLD_ABOVE + 1, 1]


def test_the_storm_itself_is_not_counted_among_its_alerts() -> None:
    itself = Result(storm_event(HERE, alerts(2), GROUP, 7), Outcome.DEAD_LETTERED, "invalid_job", job="sre-1")
    members = [result(number, Outcome.DEAD_LETTERED, "invalid_job", "sre-1") for number in range(2)]
    (notice,) = storm.notices([itself, *members])
    assert (notice.alert, notice.alerts) == (itself.alert, 2)
