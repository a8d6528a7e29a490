"""`python -m function.runner agent`: PID 1 of the agent's container."""

from __future__ import annotations

import os
import sys

from function.runner import agent

USAGE = "usage: python -m function.runner agent"


def main(arguments: list[str]) -> int:
    if arguments != ["agent"]:
        print(USAGE, file=sys.stderr)
        return 2
    return agent.main(os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
