# Two stages: the first installs as `make deploy` does anywhere, the second has only the result.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS builder
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Makefile constraints.txt pyproject.toml README.md LICENSE ./
COPY src src
COPY connectors connectors
COPY mappings mappings
COPY models models
RUN make deploy PREFIX=/opt/leadline PYTHON=python3

FROM python:${PYTHON}-slim
RUN useradd --system --uid 10001 --home-dir /project --shell /usr/sbin/nologin leadline \
    && install --directory --owner=leadline --group=leadline /project
COPY --from=builder /opt/leadline /opt/leadline
ENV PATH=/opt/leadline/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LEADLINE_WEB__HOST=0.0.0.0 \
    LEADLINE_WEB__PORT=8686 \
    LEADLINE_LOG__FORMAT=json
# The project folder (leadline.yaml, mappings, models) is mounted here; secrets in /run/secrets.
WORKDIR /project
USER leadline
EXPOSE 8686
# `leadline run` answers 200 here while it works.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8686/healthz', timeout=4)"]
ENTRYPOINT ["leadline"]
CMD ["run"]
