"""`python -m function.runner prepare|agent|report`: PID 1 of the containers of an agent's pod."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from function.runner import signals
from function.runner.outcome import EXIT
from function.shared.errors import Misconfigured

ROLES = {"prepare": "prepare", "agent": "agent.agent", "report": "report.report"}
"""Each container's role, and the module below this package that plays it."""


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in ROLES:
        print(f"usage: python -m function.runner {'|'.join(ROLES)}", file=sys.stderr)
        return 2
    signals.hold()
    try:
        status: int = import_module(f"function.runner.{ROLES[arguments[0]]}").main(os.environ)
    except Misconfigured as error:
        print(f"sre-agent: {error}", file=sys.stderr)
        return EXIT["refused"]
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
