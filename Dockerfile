FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends make libgl1 libglib2.0-0
WORKDIR /body2body
ENV BODY2BODY_WEIGHTS=/body2body/weights
COPY . .
RUN make install
ENTRYPOINT [".venv/bin/python"]
CMD ["transfer.py", "--help"]
