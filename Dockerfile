# veeam-bot as a container: `docker build -t veeam-bot .`; docs/how-to/run-in-production.md says how to run it.
# For builds that can be repeated, name the base by its digest: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim

# --build-arg PICTURES=yes: with what `picture = true` of a digest needs, and a font for names that are not English.
ARG PICTURES=no

FROM ${PYTHON_IMAGE} AS build
ARG PICTURES
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all: PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv /opt/build && python -m venv --without-pip /opt/veeam-bot
COPY requirements.lock deploy/requirements-build.lock deploy/requirements-pictures.lock ./
RUN /opt/build/bin/pip install --require-hashes -r requirements-build.lock \
 && /opt/build/bin/pip --python /opt/veeam-bot/bin/python install --require-hashes -r requirements.lock \
 && if [ "$PICTURES" = yes ]; then \
      /opt/build/bin/pip --python /opt/veeam-bot/bin/python install --require-hashes -r requirements-pictures.lock; fi
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
RUN /opt/build/bin/pip wheel --no-build-isolation --no-deps --wheel-dir dist . \
 && /opt/build/bin/pip --python /opt/veeam-bot/bin/python install --no-deps dist/*.whl

FROM ${PYTHON_IMAGE}
ARG PICTURES
RUN if [ "$PICTURES" = yes ]; then apt-get update \
 && apt-get install --yes --no-install-recommends fonts-dejavu-core && rm -rf /var/lib/apt/lists/*; fi
RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/veeam-bot --shell /usr/sbin/nologin veeam-bot \
 && install -d -o veeam-bot -g veeam-bot -m 0700 /var/lib/veeam-bot
COPY --from=build /opt/veeam-bot /opt/veeam-bot
# The health check asks the port that PORT names: set another one there, not in the settings file.
ENV PATH=/opt/veeam-bot/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PORT=3000 \
    VEEAM_BOT_CONFIG=/etc/veeam-bot/veeam-bot.toml
USER 10001:10001
# SQLite's file is made here: mount a volume. The rest of the file system may be read-only.
WORKDIR /var/lib/veeam-bot
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import http.client, os, sys; bot = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); bot.request('GET', '/healthz'); sys.exit(bot.getresponse().status != 200)"]
ENTRYPOINT ["veeam-bot"]
CMD ["run"]
