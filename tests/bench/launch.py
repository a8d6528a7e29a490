"""A file of this folder served as the function is: `PORT=8080 python -m tests.bench.launch empty`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from function.dispatch.serve import serve

if __name__ == "__main__":
    serve("127.0.0.1", int(os.environ["PORT"]), Path(__file__).with_name(f"{sys.argv[1]}.py"))
