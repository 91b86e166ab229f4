# docker build -t hexkey .           docs/operating.md says how to run it
ARG PYTHON=3.13-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY constraints.txt ./
# Each wheel is held against its hash; what follows takes nothing from anywhere else.
RUN pip download --require-hashes --only-binary :all: --dest /wheels --requirement constraints.txt
COPY pyproject.toml README.md ./
COPY src ./src
# The package brings the suites for adapters of others, which nobody runs here.
COPY tests ./tests
RUN pip wheel --no-deps --no-index --find-links /wheels --wheel-dir /wheels .
RUN python -m venv /opt/hexkey && /opt/hexkey/bin/pip install --no-index --find-links /wheels "hexkey[otel]" \
 && rm -r /opt/hexkey/lib/python*/site-packages/hexkey_contracts

FROM python:${PYTHON}
COPY --from=build /opt/hexkey /opt/hexkey
RUN install -d -o 10001 -g 10001 -m 700 /var/lib/hexkey
ENV PATH=/opt/hexkey/bin:$PATH HEXKEY_ENV=production HEXKEY_DATA_DIR=/var/lib/hexkey PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/hexkey
VOLUME /var/lib/hexkey
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
ENTRYPOINT ["hexkey"]
CMD ["run", "--host", "0.0.0.0", "--port", "8000"]
