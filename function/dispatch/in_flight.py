"""The limit for the bytes of all deliveries at once. A delivery needs memory in proportion to its bytes."""

from __future__ import annotations

import threading

from function.shared.errors import Unavailable
from function.shared.strict_json import MAX_BODY

MAX_IN_FLIGHT = MAX_BODY + 4 * 1024 * 1024
"""The largest delivery leaves room for others. In our measurements a byte of a body took up to 20 bytes of
memory, and the process 52 MiB beside them: 290 MiB of the 512 MiB in knative/base/service.yaml."""
SMALL, RESERVED = 256 * 1024, 2 * 1024 * 1024
"""Only deliveries of at most SMALL bytes may use the last RESERVED bytes. So large deliveries keep no small
one out. A delivery of 20 alerts has 15 to 40 KB."""


class InFlight:
    """Counts the bytes. Several threads may use it."""

    def __init__(self, most: int = MAX_IN_FLIGHT, reserved: int = RESERVED) -> None:
        self._most, self._reserved = most, reserved
        self._bytes, self._lock = 0, threading.Lock()

    def add(self, count: int, of: int) -> None:
        """Add bytes to a delivery that then has `of` bytes. Raises Unavailable if there is no room."""
        most = self._most if of <= SMALL else self._most - self._reserved
        with self._lock:
            if self._bytes + count > most:
                raise Unavailable("busy", f"deliveries of over {most} bytes at once: the sender will retry")
            self._bytes += count

    def remove(self, count: int) -> None:
        with self._lock:
            self._bytes -= count


class Share:
    """The bytes of one delivery, from its headers to the end of the work on it."""

    def __init__(self, all_bytes: InFlight) -> None:
        self._all, self._bytes = all_bytes, 0

    def reach(self, count: int) -> None:
        """Take `count` bytes in total. Raises Unavailable if there is no room for them."""
        if count > self._bytes:
            self._all.add(count - self._bytes, count)
            self._bytes = count

    def end(self) -> None:
        """Give everything back. More calls change nothing."""
        taken, self._bytes = self._bytes, 0
        self._all.remove(taken)
