"""The launcher: functions-framework's ASGI app under uvicorn, in one process.

The framework's own command runs gunicorn, which costs 20 ms and 15 MB at every cold start and closes idle
connections after 2 s, while Knative's proxy keeps them for 90 s and answers 502 on one that has gone.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

MAIN = Path(__file__).resolve().parents[1] / "main.py"
KEEP_ALIVE_SECONDS = 95
GRACE_SECONDS = 20


def serve(host: str, port: int, source: Path = MAIN) -> None:
    """Serves `handle` of `source` until SIGTERM. Raises Misconfigured before it listens."""
    gc.disable()  # nothing made at start is garbage: 15 to 40 ms of a cold start
    import uvicorn
    from functions_framework.aio import create_asgi_app

    app = create_asgi_app("handle", str(source))
    print(f"sre-dispatch: listening on {host}:{port}", file=sys.stderr, flush=True)
    gc.freeze()
    gc.enable()
    uvicorn.run(
        app,
        host=host,
        port=port,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        lifespan="off",
        ws="none",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
    )
