# One image for the exporter, the relay and `power-status`; compose says which of them runs.
#
#   docker build -t power-status-tracker:0.1.0 .
#   docker buildx build --platform linux/amd64,linux/arm64 -t NAME .
#
# Every dependency has wheels for amd64 and arm64, so nothing is compiled and no line below knows
# an architecture. The base image may be another one with Python 3.11 or newer (a mirror's, or one
# pinned by its digest): --build-arg PYTHON_IMAGE=…
ARG PYTHON_IMAGE=python:3.13-slim-trixie

# ---------------------------------------------------------------- what is installed

FROM ${PYTHON_IMAGE} AS builder
# postgres: the relay on PostgreSQL; charts: pictures in Telegram. Without charts the image is
# some 170 MB smaller: --build-arg EXTRAS="--extra postgres"
ARG EXTRAS="--extra postgres --extra charts"
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/power-status \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /build

# uv itself, at the version and hashes that `make setup` uses too.
COPY tools/uv.txt ./
RUN python3 -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps \
        --require-hashes --requirement uv.txt

# The dependencies, exactly as locked; a change of our own code alone does not fetch them again.
COPY pyproject.toml uv.lock ./
RUN /opt/uv/bin/uv sync --locked --no-default-groups ${EXTRAS} --no-install-project

COPY LICENSE README.md ./
COPY alerting alerting
COPY chassis chassis
COPY exporter exporter
COPY power_status power_status
RUN /opt/uv/bin/uv sync --locked --no-default-groups ${EXTRAS} --no-editable

# ---------------------------------------------------------------- what runs

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Power Status Tracker" \
      org.opencontainers.image.description="Knows the moment your power goes, tells you, and proves later how long it was off." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"

# The base image brings the standard library without its bytecode. On a read-only root it would be
# compiled anew at every start, and at every health check.
RUN groupadd --gid 10001 power \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin power \
    && mkdir -p /etc/power-status/secrets /run/secrets \
    && install -d -o 10001 -g 10001 -m 0700 /data \
    && python3 -c "import compileall, re, sysconfig; compileall.compile_dir(sysconfig.get_path('stdlib'), quiet=2, rx=re.compile(r'/(site-packages|dist-packages|ensurepip|idlelib|lib2to3|test|tests|tkinter|turtledemo)/'))"

COPY --from=builder /opt/power-status /opt/power-status
ENV PATH=/opt/power-status/bin:$PATH \
    MPLCONFIGDIR=/tmp/matplotlib \
    POWER_STATUS_CONFIG=/etc/power-status/config.yaml \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

USER 10001:10001
WORKDIR /data
EXPOSE 10910 10911
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-m", "chassis.health_check", "http://127.0.0.1:10910/-/healthy"]
CMD ["power-status", "run"]
