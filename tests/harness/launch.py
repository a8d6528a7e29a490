"""`PORT=8080 python -m tests.harness.launch tests/bench/empty.py` serves the file as the function is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from function.dispatch.serve import serve

if __name__ == "__main__":
    serve("127.0.0.1", int(os.environ["PORT"]), Path(sys.argv[1]).resolve())
