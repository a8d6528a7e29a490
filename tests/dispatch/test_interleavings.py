"""What holds over any course of deliveries, faults, kills and changes of the cluster.

The machine delivers to the whole function, in this process. Every call to a service can fail, be answered
oddly, kill the process, or have something happen meanwhile: another delivery, the end of a Job, a pause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from function.dispatch import receive
from function.dispatch.model import FOR_PEOPLE, DeadLetter, Level, Outcome, Result
from tests.harness import edge
from tests.harness.admission import admitted
from tests.harness.arrivals import MARK, Arrival, Request, arrivals
from tests.harness.deeds import ANSWERS, ANY, INVALID, PORTS, SECRET, Killed
from tests.harness.edge import MAX_REPLY, Reply
from tests.harness.examples import examples
from tests.harness.fakes import NOW
from tests.harness.reading import reading
from tests.harness.simulation import HAPPENS, HARMLESS, Disturbance, Simulation

DURABLE = frozenset(Outcome) - {Outcome.DEFERRED}
SHARED = {"created", "folded", "duplicate", "held"}
"""Outcomes that name a Job."""
TIERS = {"remediate": Level.LOW, "propose": Level.MEDIUM, "investigate": Level.HIGH}


def disturbances(deeds: Sequence[str]) -> st.SearchStrategy[list[Disturbance]]:
    parts = (st.booleans(), st.sampled_from(deeds))
    of_all = st.builds(Disturbance, st.just(ANY), st.integers(0, 11), *parts)
    of_one = st.builds(
        Disturbance, st.sampled_from((*PORTS, "create", "create", "create")), st.integers(0, 1), *parts
    )
    return st.lists(of_all | of_one, max_size=4)


anything = disturbances([*ANSWERS, *HAPPENS])
minutes = st.sampled_from((1, 20, 90))


def send(simulation: Simulation, request: Request) -> Reply:
    """Delivers, and checks the reply. Raises Killed if the process was killed on the way."""
    since, before, heard = simulation.tick, len(simulation.history), len(simulation.told)
    done, policy, is_calm = len(simulation.done), simulation.policy, simulation.is_calm
    reply = edge.post(simulation.dependencies(), request.body, request.headers)
    deeds = simulation.done[done:]
    check_text(reply)
    check_accounts(reply, request)
    check_people(reply, simulation.told[heard:])
    check_ends(reply, deeds, policy)
    check_jobs(reply, simulation, since)
    check_severity(reply)
    for job in simulation.history[before:]:
        admitted(job.manifest)
        tier = job.manifest["metadata"]["labels"]["sre-dispatch/tier"]
        assert TIERS[tier] >= Level[job.event["severity"]]  # no agent may do more than the alert asks for
    assert not is_calm or not HARMLESS.issuperset(deeds) or reply.status != 503
    return reply


def check_text(reply: Reply) -> None:
    """The reply has no text of the request, and nothing that is printed has a secret."""
    assert reply.status in (200, 202, 503) and len(reply.content) < MAX_REPLY
    assert MARK not in reply.whole and MARK not in reply.logged
    assert SECRET not in reply.whole + reply.logged + reply.printed
    assert not any(MARK in line["audit"].get("detail", "") for line in reply.lines)


def check_accounts(reply: Reply, request: Request) -> None:
    """Each alert has exactly one outcome, and the reply is an acknowledgement only if all are durable."""
    delivery = receive.delivery(request.headers, request.body, reading("fmc"))
    assert delivery is not None
    expected = Counter(
        "" if isinstance(each, DeadLetter) else f"{each.status} {each.identity}" for each in delivery.alerts
    )
    lines = [line["audit"] for line in reply.lines]
    storms = [line for line in lines if "identity" in line and line["identity"] not in str(expected)]
    assert Counter(map(told_as, lines)) - Counter(map(told_as, storms)) == expected
    assert len(storms) <= 1 and len(lines) == request.outcomes + len(storms)
    assert Counter(line["outcome"] for line in lines) == Counter(reply.outcomes)
    assert (reply.status == 503) == ("deferred" in reply.outcomes)
    assert set(reply.outcomes) - {"deferred"} <= DURABLE


def told_as(line: Any) -> str:
    if "identity" not in line:
        return ""
    return f"{'resolved' if line['outcome'] == 'resolved' else 'firing'} {line['identity']}"


def check_people(reply: Reply, told: Sequence[Result]) -> None:
    """People hear of each kind of end without an agent before the reply is sent."""
    ends = {line["audit"]["outcome"] for line in reply.lines} & FOR_PEOPLE
    assert ends <= {result.outcome for result in told} or "did not receive" in reply.logged


def check_ends(reply: Reply, done: Sequence[str], policy: str) -> None:
    """No fault ends an alert that can be read. Only the policy does, or an API server that knows better."""
    ends = {line["audit"]["outcome"] for line in reply.lines if "identity" in line["audit"]}
    policies = {policy, *(deed.removeprefix("the policy is ") for deed in done)}
    assert "dead-lettered" not in ends or INVALID in done
    assert "blocked" not in ends or "blocking" in policies
    assert "denied" not in ends or "denying" in policies


def check_jobs(reply: Reply, simulation: Simulation, since: int) -> None:
    """Whatever names a Job names one that was there, and each Job has at most one creator."""
    lines = [line["audit"] for line in reply.lines if line["audit"]["outcome"] in SHARED]
    assert [line for line in lines if not simulation.was_usable(line["job"], since)] == []
    simulation.credited.update(line["job"] for line in lines if line["outcome"] == "created")
    assert simulation.credited <= Counter(job.name for job in simulation.history)


def check_severity(reply: Reply) -> None:
    """Of several alerts about one problem, the most severe one has the agent."""
    asked: dict[str, Level] = {}
    lines = [line["audit"] for line in reply.lines if "severity" in line["audit"]]
    for line in lines:
        if line["outcome"] not in ("resolved", "blocked", "denied", "dead-lettered"):
            asked[line["identity"]] = max(Level[line["severity"]], asked.get(line["identity"], Level.LOW))
    created = [line for line in lines if line["outcome"] == "created"]
    assert [line for line in created if Level[line["severity"]] < asked[line["identity"]]] == []


def check_identities(simulation: Simulation) -> None:
    """A problem has one name, and one Job at a time."""
    names = {(job.problem, job.name) for job in simulation.history}
    assert len(names) == len({problem for problem, _ in names}) == len({name for _, name in names})
    for name in {job.name for job in simulation.history}:
        *earlier, _ = (job for job in simulation.history if job.name == name)
        assert all(job.unusable_since is not None for job in earlier)


class Interleavings(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.simulation = Simulation(meanwhile=self.meanwhile)
        self.sent: list[Request] = []
        self.current: list[Request] = []
        self.failed: list[AssertionError] = []

    def meanwhile(self, which: str) -> None:
        """Another delivery in the middle of this one, as from the other Alertmanager of a pair."""
        if len(self.current) < 3:
            try:
                self.deliver(self.current[-1] if which == "the same" else self.sent[0])
            except AssertionError as error:  # the function would take it for a fault of the service
                self.failed.append(error)

    def deliver(self, request: Request) -> Reply:
        self.current.append(request)
        try:
            reply = send(self.simulation, request)
        finally:
            self.current.pop()
        check_identities(self.simulation)
        return reply

    def remember(self, arrival: Arrival) -> Request:
        self.sent.append(arrival.request(self.simulation.now))
        return self.sent[-1]

    def attempt(self, request: Request, planned: Sequence[Disturbance]) -> None:
        self.simulation.plan(planned)
        try:
            self.deliver(request)
        except Killed:  # the next delivery meets a process that knows nothing
            check_identities(self.simulation)
        self.simulation.planned = []
        if self.failed:
            raise self.failed[0]

    @rule(arrival=arrivals, planned=anything)
    def arrive(self, arrival: Arrival, planned: list[Disturbance]) -> None:
        self.attempt(self.remember(arrival), planned)

    @precondition(lambda self: self.sent)
    @rule(place=st.integers(0, 99), planned=anything)
    def arrive_again(self, place: int, planned: list[Disturbance]) -> None:
        self.attempt(self.sent[place % len(self.sent)], planned)

    @rule(arrival=arrivals, nth=st.integers(0, 11), after=st.booleans())
    def arrive_twice_at_once(self, arrival: Arrival, nth: int, after: bool) -> None:
        """As from a pair of Alertmanagers. If nothing else happens, both are done."""
        self.attempt(self.remember(arrival), [Disturbance(ANY, nth, after, "the same delivery")])

    @rule(deed=st.sampled_from([deed for deed in HAPPENS if "delivery" not in deed]), after=minutes)
    def happen(self, deed: str, after: float) -> None:
        HAPPENS[deed](self.simulation)
        self.simulation.wait(after)

    @precondition(lambda self: self.sent)
    @rule(place=st.integers(0, 99))
    def recover(self, place: int) -> None:
        """Without faults one more delivery is enough, and after it a kill loses nothing."""
        for deed in ("the pause ends", "the policy is plain"):
            HAPPENS[deed](self.simulation)
        self.simulation.collect()
        request = self.sent[place % len(self.sent)]
        assert self.deliver(request).status in (200, 202)
        before = len(self.simulation.history)
        assert self.deliver(request).status in (200, 202)
        assert len(self.simulation.history) == before


def test_any_course_of_events_keeps_the_promises() -> None:
    run_state_machine_as_test(Interleavings, settings=settings(examples(200), stateful_step_count=15))


FAULTS = disturbances(
    [*(ANSWERS.keys() - {INVALID}), "a long time passes", "the agents are paused", "the same delivery"]
)


@given(st.lists(st.tuples(arrivals, FAULTS), min_size=1, max_size=4))
@examples(40)
def test_after_the_faults_the_end_is_that_of_a_course_without_any(
    course: list[tuple[Arrival, list[Disturbance]]],
) -> None:
    quiet, disturbed = Interleavings(), Interleavings()
    for arrival, planned in course:
        request = arrival.request(NOW)
        assert quiet.deliver(request).status in (200, 202)
        disturbed.attempt(request, planned)
        HAPPENS["the pause ends"](disturbed.simulation)
        assert disturbed.deliver(request).status in (200, 202)
    assert jobs(disturbed.simulation) == jobs(quiet.simulation)


def jobs(simulation: Simulation) -> dict[str, Any]:
    return {name: job.manifest["metadata"] for name, job in simulation.jobs.items()}
