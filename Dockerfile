# The `hybrid` command with DOLFINx, PETSc, MPI and torch, at the versions of requirements.txt. See docker/README.md.
ARG BASE=debian:trixie-slim
FROM ${BASE}

# gcc, libc6-dev and python3-dev stay in the image: FFCx compiles the variational forms at run time.
# The home folder, where FFCx and matplotlib keep caches, is open to whatever user `docker run --user` chooses.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates gcc libc6-dev python3 python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --shell /bin/bash hybrid \
 && install -d -o hybrid -g hybrid /work \
 && chmod 1777 /home/hybrid /work

# The certificate file that pip trusts, for a proxy that has its own: an ARG is gone from the finished image.
ARG PIP_CERT
# What pip is given in place of the pinned torch, a CPU-only build for instance (docker/README.md).
ARG TORCH=""

# One layer, and before the code: a change of the code does not install 5 GB again.
WORKDIR /opt/src
COPY requirements.txt docker/install.sh ./
RUN --mount=type=secret,id=ca,target=/ca.crt sh ./install.sh /opt/hybrid requirements.txt

COPY pyproject.toml README.md LICENSE ./
COPY docker/entrypoint.sh ./
COPY hybrid hybrid
RUN /opt/hybrid/bin/pip install --quiet --no-cache-dir --no-deps --no-build-isolation . \
 && rm -rf build ./*.egg-info

ENV PATH=/opt/hybrid/bin:$PATH \
    HOME=/home/hybrid \
    OMP_NUM_THREADS=1
USER hybrid
WORKDIR /work
ENTRYPOINT ["sh", "/opt/src/entrypoint.sh"]
CMD ["reproduce"]
