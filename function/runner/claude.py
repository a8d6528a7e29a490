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
    """Started with the object. `events` gives what it says, and whatever else is put there meanwhile."""

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        heard: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()  # may be put to by a signal handler
        self._heard = heard
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
        self._readers = [
            threading.Thread(target=each, daemon=True) for each in (self._read, self._read_errors)
        ]
        for reader in self._readers:
            reader.start()

    def send(self, message: Event) -> None:
        """Says something to it; one that has ended does not hear it, which `events` tells."""
        with contextlib.suppress(OSError, ValueError):
            self._input.write(json.dumps(message).encode() + b"\n")
            self._input.flush()

    def next(self, seconds: float) -> Event | None:
        """The next event, None where there is none within the time."""
        try:
            return self.events.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> int:
        """Ends it, kindly first, and gives its exit status; negative is a signal."""
        with contextlib.suppress(OSError):
            self._input.close()
        for ending in (None, signal.SIGTERM, signal.SIGKILL):
            if ending is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, ending)
            try:
                self._process.wait(GRACE_SECONDS)
                break
            except subprocess.TimeoutExpired:
                continue
        for reader in self._readers:
            reader.join(GRACE_SECONDS)
        return self._process.returncode

    def complaint(self) -> str:
        """The end of what it wrote to its standard error."""
        return self._stderr.decode("utf-8", "replace")

    def _read(self) -> None:
        with self._output as output:
            while line := output.readline(MAX_LINE):
                self._heard(line)
                if not line.endswith(b"\n") and len(line) == MAX_LINE:
                    break
                if not self._put(line):
                    break
        self.events.put(ENDED)

    def _put(self, line: bytes) -> bool:
        """Whether the line could be read at all; what is no JSON object is no event."""
        try:
            event = json.loads(line)
        except ValueError:
            return True
        except RecursionError:
            return False
        if isinstance(event, dict):
            self.events.put(event)
        return True

    def _read_errors(self) -> None:
        with self._errors as errors:
            while chunk := errors.readline(STDERR_BYTES):
                self._stderr = (self._stderr + chunk)[-STDERR_BYTES:]
