# The hub in one image: docker build -t tocsin .   (the dashboard is built by the package's own build hook)
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/tocsin
COPY requirements/run.txt requirements/run.txt
RUN /opt/tocsin/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY . .
RUN /opt/tocsin/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim-bookworm
# With an entry in /etc/passwd: the embedded PostgreSQL needs one, and never runs as root.
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin tocsin \
    && install -d -o tocsin -g tocsin -m 0700 /data
COPY --from=build /opt/tocsin /opt/tocsin
ENV PATH=/opt/tocsin/bin:$PATH TOCSIN_DATA=/data
USER tocsin
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT ["im"]
CMD ["serve", "--host", "0.0.0.0", "--data", "/data"]
