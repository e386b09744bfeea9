"""`python -m devstack.qdrant --path DIR`: serve one data folder until SIGTERM."""

import argparse
import logging
import sys
from pathlib import Path

import uvicorn

from devstack.qdrant.app import create_app


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m devstack.qdrant", description="Qdrant's engine behind its REST API."
    )
    parser.add_argument("--path", type=Path, required=True, help="data folder, created if missing")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=6333)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        app = create_app(options.path)
    except BlockingIOError:
        sys.stderr.write(f"{options.path} is in use by another server\n")
        return 1
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=5,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
