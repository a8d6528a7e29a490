"""The process of Claude Code. It reads messages and writes events, as one JSON object per line."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

MAX_LINE = 16 * 1024 * 1024
"""The maximum size of an event. A larger event ends the run."""
GRACE_SECONDS = 5.0
STDERR_BYTES = 4096

Event = Mapping[str, Any]
ENDED: Event = {"type": "runner", "subtype": "ended"}
"""The last event. It means that the program closed its output."""
UNREADABLE: Event = {"type": "runner", "subtype": "unreadable"}
"""The event before ENDED if the program wrote an event that is too large or nests too deep."""


class Claude:
    """Runs Claude Code. The constructor starts the program and puts its events in the queue `events`. Other
    threads may put events there too. `on_line` receives every unchanged line of output."""

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        events: queue.SimpleQueue[Event],
        on_line: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._events, self._on_line = events, on_line
        self._messages: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(  # noqa: S603  the command line comes from claude_args
            argv,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # the program does not receive the runner's signals
        )
        self._input, self._output, self._errors = (
            cast("IO[bytes]", each)
            for each in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        self._stderr = b""
        self._threads = [
            threading.Thread(target=each, daemon=True)
            for each in (self._write, self._read, self._read_errors)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, message: Event) -> None:
        """Sends a message without waiting. If the program has ended, the queue contains ENDED."""
        self._messages.put(message)

    def next(self, seconds: float) -> Event | None:
        """Returns the next event, or None after `seconds`."""
        try:
            return self._events.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self, grace: float = GRACE_SECONDS) -> int:
        """Ends the program and returns its exit status. A negative status is the number of a signal. It
        closes the input, then sends SIGTERM, then SIGKILL. It waits `grace` seconds after each step."""
        self._messages.put(None)
        for ending in (None, signal.SIGTERM, signal.SIGKILL):
            if ending is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, ending)
            try:
                self._process.wait(grace)
                break
            except subprocess.TimeoutExpired:
                continue
        for thread in self._threads:
            thread.join(grace)
        return self._process.returncode

    def stderr(self) -> str:
        """Returns the end of the program's standard error."""
        return self._stderr.decode("utf-8", "replace")

    def _write(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._input as pipe:
            while (message := self._messages.get()) is not None:
                pipe.write(json.dumps(message).encode() + b"\n")
                pipe.flush()

    def _read(self) -> None:
        try:
            with self._output as output:
                while line := output.readline(MAX_LINE):
                    self._on_line(line)
                    if len(line) == MAX_LINE or not self._put(line):
                        self._events.put(UNREADABLE)
                        break
        finally:  # even if the transcript cannot be written
            self._events.put(ENDED)

    def _put(self, line: bytes) -> bool:
        """Adds the line's event to the queue. A line that is not a JSON object is ignored. Returns whether
        reading may continue."""
        try:
            event = json.loads(line)
        except ValueError:
            return True
        except RecursionError:
            return False
        if isinstance(event, dict):
            self._events.put(event)
        return True

    def _read_errors(self) -> None:
        with self._errors as errors:
            while chunk := errors.readline(STDERR_BYTES):
                self._stderr = (self._stderr + chunk)[-STDERR_BYTES:]
