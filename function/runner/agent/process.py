"""The process of Claude Code: messages in, events out, each a line of JSON; and its end."""

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
"""Bytes of one event. What is longer ends the run: nobody could read it."""
GRACE_SECONDS = 5.0
STDERR_BYTES = 4096

Event = Mapping[str, Any]
ENDED: Event = {"type": "runner", "subtype": "ended"}
"""The last event: the process closed its output."""


class Claude:
    """Started with the object. What it says is put among the `events`, which may get others meanwhile."""

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        events: queue.SimpleQueue[Event],
        heard: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._events, self._heard = events, heard
        self._said: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(  # noqa: S603  the command line is command.py's own
            argv,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # signals to the runner are the runner's
        )
        self._input, self._output, self._errors = (
            cast("IO[bytes]", each)  # all three are pipes
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
        """Says something to it, and does not wait for one that does not listen. One that has ended does not
        hear it, which the events tell."""
        self._said.put(message)

    def next(self, seconds: float) -> Event | None:
        """The next event, None where there is none within the time."""
        try:
            return self._events.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self, grace: float = GRACE_SECONDS) -> int:
        """Ends it, kindly first, and gives its exit status; negative is a signal. Each of the three ways
        to do it has so many seconds."""
        self._said.put(None)
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

    def complaint(self) -> str:
        """The end of what it wrote to its standard error."""
        return self._stderr.decode("utf-8", "replace")

    def _write(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._input as pipe:
            while (message := self._said.get()) is not None:
                pipe.write(json.dumps(message).encode() + b"\n")
                pipe.flush()

    def _read(self) -> None:
        try:
            with self._output as output:
                while line := output.readline(MAX_LINE):
                    self._heard(line)
                    if not line.endswith(b"\n") and len(line) == MAX_LINE:
                        break
                    if not self._put(line):
                        break
        finally:  # also where nobody takes the transcript any more
            self._events.put(ENDED)

    def _put(self, line: bytes) -> bool:
        """Whether the line could be read at all; what is no JSON object is no event."""
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
