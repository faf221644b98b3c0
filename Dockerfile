# Build: a virtual environment with the locked dependencies and the wheel of this project.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/vipline && python -m venv /opt/build
COPY requirements.lock requirements-build.lock ./
RUN /opt/vipline/bin/pip install --require-hashes -r requirements.lock \
    && /opt/build/bin/pip install --require-hashes -r requirements-build.lock
COPY . .
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/vipline/bin/pip install --no-deps /wheels/*.whl \
    && /opt/vipline/bin/python -m compileall -q /opt/vipline/lib

# Run: nothing to build with, nobody but `vipline`, nothing written outside /data (works with a read-only root).
FROM python:3.11-slim AS run
LABEL org.opencontainers.image.title="vipline" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 vipline \
    && useradd --uid 10001 --gid vipline --no-create-home --home-dir /data --shell /usr/sbin/nologin vipline \
    && install -d -o vipline -g vipline -m 0700 /data
COPY --from=build /opt/vipline /opt/vipline
COPY config/*.yaml /etc/vipline/
ENV PATH=/opt/vipline/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    VIPLINE_LISTEN=0.0.0.0:8080 \
    VIPLINE_CONFIG=/etc/vipline \
    VIPLINE_DATA=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
CMD ["vipline", "serve"]
