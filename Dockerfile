# One image for the web server, the worker and the clock: the command says which (docker-compose.yml).

FROM python:3.12-slim AS requirements
COPY requirements.txt requirements-pkcs11.txt /
# CA keys on a token need the second list, and a module that is mounted (docs/authorities.md).
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r /requirements.txt -r /requirements-pkcs11.txt

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/chancery --create-home chancery
COPY --from=requirements /venv /venv
COPY . /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CHANCERY_HOST=0.0.0.0 \
    CHANCERY_STATE_DIR=/var/lib/chancery \
    CHANCERY_STATIC_DIR=/srv/static
# The keys that this step makes for itself are thrown away with its folder.
RUN CHANCERY_STATE_DIR=/tmp/build python manage.py prepare --only static && rm -rf /tmp/build
USER chancery
EXPOSE 8000
ENTRYPOINT ["python", "manage.py"]
CMD ["serve", "web"]
