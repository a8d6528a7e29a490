"""`python -m function.runner prepare|agent|report`: PID 1 of the containers of an agent's pod."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

ROLES = ("prepare", "agent", "report")
ENDING = (signal.SIGTERM, signal.SIGINT)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in ROLES:
        print(f"usage: python -m function.runner {'|'.join(ROLES)}", file=sys.stderr)
        return 2
    # PID 1 is spared signals that it has no handler for. Blocked, they wait until the imports are done.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    status: int = import_module(f"function.runner.{arguments[0]}").main(os.environ)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
