"""`python -m devstack.qdrant --path DIR`: serve one data folder until SIGTERM."""

import argparse
import importlib.util
import logging
import sys
from pathlib import Path

import uvicorn


def _import_only_the_models() -> None:
    """Put an empty `qdrant_client` package in place, whose submodules import as ever.

    The server uses `qdrant_client.http.models` alone. The package itself would bring gRPC, fastembed and ONNX along:
    half of the start's CPU time and 60 MB.
    """
    found = importlib.util.find_spec("qdrant_client")
    if found is not None:
        sys.modules[found.name] = importlib.util.module_from_spec(found)


def main() -> int:
    _import_only_the_models()
    from devstack.qdrant.app import create_app  # noqa: PLC0415 - after the line above, at the entry point
    from devstack.qdrant.catalog import UnreadableCollectionError  # noqa: PLC0415 - the same

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
    except UnreadableCollectionError as error:
        sys.stderr.write(f"{error}\nDelete the folder and rebuild the read model, or restore it.\n")
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
