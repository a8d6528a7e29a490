"""The conversation with Claude Code. It checks the servers, sends the prompt, watches the limits and requests
the wrap-up.

A run succeeded only if there is an outcome. The program's exit status and its `success` are ignored.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from function.runner.agent import budget, stream
from function.runner.agent.budget import Used
from function.runner.agent.process import ENDED, UNREADABLE, Claude, Event
from function.runner.agent.stream import McpServer
from function.runner.tier import Tier

CONNECT_SECONDS = 45.0
"""The time limit for the program to start and to connect to every server."""
POLL_SECONDS = 0.2
RECONNECTS, RECONNECT_SECONDS = 6, 5.0
"""The number of attempts to reconnect to a failed server, and the pause before each attempt. The server may
be restarting."""
WRAP_UP_SECONDS = {"deadline": 60.0, "limit": 60.0, "signal": 25.0, "no_outcome": 120.0}
"""The time limit of the wrap-up for each reason. After a signal the wrap-up has to fit into the grace period
of the pod."""
INTERRUPT_SECONDS = 5.0

WRAP_UP = (
    "Stop here. Call no other tool. Call StructuredOutput now with what you know: the true status, "
    "what you did, what you did not do, and what a person should do next."
)
GONE, BEFORE = "the program ended", "while servers connected"
ODD = "the program's output cannot be read"
SIGNAL: Event = {"type": "runner", "subtype": "signal"}
"""The event that the signal handler adds to the queue."""


class Ended(Exception):
    """The program ended, or did not respond in time."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Interrupted(Exception):
    """A limit was reached, or a signal arrived, before the result."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass
class Ending:
    """The end of a conversation."""

    why: str
    """One of `completed`, `no_outcome`, `api_error`, `preflight`, `deadline`, `limit`, `signal` and
    `died`."""
    detail: str = ""
    outcome: object = None
    result: Mapping[str, Any] = field(default_factory=dict)
    """The last result event. The event contains cost, turns, denials and session."""
    cost_usd: float = 0.0
    """The cost that the program reported during the run. A run that is killed has no result."""


class Session:
    def __init__(
        self,
        claude: Claude,
        tier: Tier,
        is_outcome: Callable[[object], bool],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._claude, self._tier, self._is_outcome, self._pause = claude, tier, is_outcome, pause
        self._began = time.monotonic()
        self._deadline = self._began + tier.seconds * budget.STOP
        self._requests = 0
        self.used = Used()

    def hold(self, prompt: str) -> Ending:
        """Holds the whole conversation. A failure of the program becomes an Ending and never an exception."""
        try:
            if missing := self._preflight():
                return Ending("preflight", missing)
        except Interrupted as error:
            return Ending(error.why, BEFORE)
        except Ended as error:
            return Ending("died" if error.why == GONE else "preflight", f"{error.why} {BEFORE}")
        try:
            self._send_text(prompt)
            result = self._watched_result()
        except Interrupted as error:
            return self._interrupted(error.why)
        except Ended as error:
            return Ending("died", error.why)
        if result.get("terminal_reason") == "api_error":
            return Ending("api_error", self._api_error(stream.api_status(result)), result=result)
        if self._is_outcome(result.get("structured_output")):
            return Ending("completed", outcome=result["structured_output"], result=result)
        spent = result.get("terminal_reason") in ("budget_exhausted", "max_turns")
        return self._wrap_up("limit" if spent else "no_outcome", result)

    def _watched_result(self) -> Mapping[str, Any]:
        """Returns the result of the prompt. Warns the agent once if a limit is near. Raises Interrupted if
        the outcome is due."""
        warned = False
        for event in self._events(self._deadline, patient=False):
            if event.get("type") == "result":
                return event
            before, self.used = self.used, self.used.after(event)
            share, limit = budget.nearest(self._tier, self.used, time.monotonic() - self._began)
            if share >= budget.WARN and self.used.waits_for_tools and not warned:
                self._send_text(budget.WARNING.format(share=share, limit=limit))  # arrives with the result
                warned = True
            if self.used.open_calls or stream.response(event):
                continue  # no tool is interrupted
            if share >= budget.STOP:
                raise Interrupted("deadline" if limit == "time" else "limit")
            if before.open_calls:
                self._request({"subtype": "get_usage", "skip_behaviors": True})
        raise Interrupted("deadline")

    def _preflight(self) -> str:
        """Returns the problems of the MCP servers. The text is empty if every server is connected. This check
        does not call the model."""
        until = min(self._deadline, time.monotonic() + CONNECT_SECONDS)
        self._control({"subtype": "initialize"}, until)
        reconnects = 0
        while True:
            servers = self._servers(until)
            states = {name: each.status for name, each in servers.items()}
            pending = sorted(name for name in states if states[name] == "pending")
            failed = sorted(name for name in self._tier.servers if states.get(name) == "failed")
            if not pending and (not failed or reconnects == RECONNECTS):
                if not (missing := "; ".join(self._missing(servers))):
                    self._hide_refused_tools(servers, until)
                return missing
            if time.monotonic() + POLL_SECONDS > until:
                return f"servers not connected in time: {', '.join(pending + failed)}"
            if pending:
                self._pause(POLL_SECONDS)
                continue
            self._pause(RECONNECT_SECONDS)
            reconnects += 1
            for name in failed:
                self._control({"subtype": "mcp_reconnect", "serverName": name}, until)

    def _servers(self, until: float) -> Mapping[str, McpServer]:
        try:
            return stream.servers(self._control({"subtype": "mcp_status"}, until))
        except stream.Unreadable as error:
            raise Ended(f"{ODD}: {error}") from None

    def _missing(self, servers: Mapping[str, McpServer]) -> Iterator[str]:
        for name, wanted in self._tier.servers.items():
            server = servers.get(name)
            if server is None or server.status != "connected":
                yield f"server {name} is not connected"
            elif lacking := sorted(set(wanted.tools) - server.tools):
                yield f"server {name} lacks {', '.join(lacking)}"
        if others := sorted(servers.keys() - self._tier.servers.keys()):
            yield f"servers that the tier does not name: {', '.join(others)}"

    def _hide_refused_tools(self, servers: Mapping[str, McpServer], until: float) -> None:
        """Removes the tools that the tier does not list from the tools that the model sees. Claude Code would
        refuse a call to them in any case, but the call would cost a turn."""
        refused = [
            f"mcp__{name}__{tool}"
            for name, wanted in self._tier.servers.items()
            for tool in sorted(servers[name].tools - {*wanted.tools})
            if re.fullmatch(r"[\w.-]+", tool)  # an odd name could make all the settings invalid
        ]
        if refused:
            settings = {"permissions": {"deny": refused}}
            self._control({"subtype": "apply_flag_settings", "settings": settings}, until)

    def _api_error(self, status: str) -> str:
        """Returns the detail of an API error for the operator."""
        if status != "404":
            return f"status {status}"
        models = ", ".join((self._tier.model, *self._tier.fallback_models))
        what_to_do = "Set a known model in tier.json, or check ANTHROPIC_BASE_URL"
        return f"status 404: the API does not know {models}. {what_to_do}"

    def _interrupted(self, why: str) -> Ending:
        """Interrupts the model and requests a wrap-up. A signal shortens a wrap-up that began after the
        deadline."""
        patient, result = why == "signal", {}
        try:
            self._control({"subtype": "interrupt"}, time.monotonic() + INTERRUPT_SECONDS, patient=patient)
            result = dict(self._result(time.monotonic() + INTERRUPT_SECONDS, patient=patient))
        except Interrupted as error:
            why = "signal" if error.why == "signal" else why
        except Ended as error:
            if error.why == GONE:
                return Ending(why, GONE)
        if self._is_outcome(found := result.get("structured_output")):  # finished before the interrupt
            return Ending(why, outcome=found, result=result)
        return self._wrap_up(why, result)

    def _wrap_up(self, why: str, before: Mapping[str, Any]) -> Ending:
        self._send_text(WRAP_UP)
        try:
            why, result = self._wrap_up_result(why)
        except Ended as error:
            return Ending(why, error.why, result=before)
        if self._is_outcome(found := result.get("structured_output")):
            return Ending(why, outcome=found, result=result)
        if result.get("terminal_reason") == "api_error":
            return Ending("api_error", self._api_error(stream.api_status(result)), result=result)
        return Ending(why, result=result)

    def _wrap_up_result(self, why: str) -> tuple[str, Mapping[str, Any]]:
        """Returns the reason for the wrap-up and its result. A signal shortens the time limit. Raises
        Ended."""
        try:
            return why, self._result(time.monotonic() + WRAP_UP_SECONDS[why], patient=why == "signal")
        except Interrupted as error:
            if error.why != "signal":
                raise Ended("no result in time") from None
        return "signal", self._result(time.monotonic() + WRAP_UP_SECONDS["signal"], patient=True)

    def _send_text(self, text: str) -> None:
        self._claude.send({"type": "user", "message": {"role": "user", "content": text}})

    def _control(self, request: Event, until: float, *, patient: bool = False) -> Mapping[str, Any]:
        """Sends a control request and returns the response. A control request does not call the model."""
        number = self._request(request)
        for event in self._events(until, patient=patient):
            try:
                response = stream.response_to(event, number)
            except stream.Unreadable as error:
                raise Ended(f"{ODD}: {error}") from None
            if response is not None:
                return response
        name = request.get("serverName", "")
        raise Ended(f"no response in time to {request['subtype']} {name}".rstrip())

    def _request(self, request: Event) -> str:
        """Sends a control request and returns its number. Does not wait for the response."""
        self._requests += 1
        number = f"r{self._requests}"
        self._claude.send({"type": "control_request", "request_id": number, "request": request})
        return number

    def _result(self, until: float, *, patient: bool = False) -> Mapping[str, Any]:
        """Returns the next result event. After `until` it raises Interrupted, or Ended if `patient` is
        true."""
        for event in self._events(until, patient=patient):
            if event.get("type") == "result":
                return event
        if patient:
            raise Ended("no result in time")
        raise Interrupted("deadline")

    def _events(self, until: float, *, patient: bool) -> Iterator[Event]:
        """Yields the events before `until`. A signal raises Interrupted. If `patient` is true, the signal is
        ignored, because the run is already ending."""
        while (left := until - time.monotonic()) > 0:
            event = self._claude.next(left)
            if event is None:
                return
            if event is ENDED:
                raise Ended(GONE)
            if event is UNREADABLE:
                raise Ended(f"{ODD}: an event is too large or nests too deep")
            if event is SIGNAL:
                if not patient:
                    raise Interrupted("signal")
                continue
            yield event
