# The image of an agent's Job: the runner, Claude Code and git. The image contains no Node.js, no kubectl and
# no credentials. Of our own code it contains only function/runner and function/shared.
#
# `make image` fills build/ first. build/wheels contains the packages of requirements.lock. build/claude.tgz
# is the npm package of Claude Code that claude-code.version pins.
ARG PYTHON=docker.io/library/python:3.13-slim

FROM ${PYTHON} AS build
WORKDIR /src
COPY build/wheels /wheels
RUN pip install --quiet --root-user-action=ignore --no-index --find-links=/wheels setuptools \
 && pip install --quiet --root-user-action=ignore --no-index --find-links=/wheels --target /opt/lib pydantic httpx
COPY pyproject.toml README.md LICENSE ./
COPY function/__init__.py function/
COPY function/shared function/shared
COPY function/runner function/runner
RUN pip install --quiet --root-user-action=ignore --no-index --no-deps --no-build-isolation --target /opt/lib . \
 && rm -rf /opt/lib/bin \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/lib
COPY knative/claude-code.version build/claude.tgz ./
RUN python3 -c 'import base64, hashlib, pathlib, sys, tarfile; \
    wanted = pathlib.Path("claude-code.version").read_text().split()[1]; \
    found = hashlib.sha512(pathlib.Path("claude.tgz").read_bytes()).digest(); \
    wanted == "sha512-" + base64.b64encode(found).decode() or sys.exit("build/claude.tgz is not what claude-code.version pins"); \
    tarfile.open("claude.tgz").extract("package/claude", filter="data")' \
 && install -m 0755 package/claude /usr/local/bin/claude

FROM ${PYTHON}
# The containers prepare and report need git. They limit its resources with prlimit, which Debian has in
# util-linux. If the base image already has git, this step changes nothing.
RUN command -v git >/dev/null \
 || (apt-get -qq update && apt-get -qq install -y --no-install-recommends git >/dev/null && rm -rf /var/lib/apt/lists/* /var/cache/apt/*)
# compileall reports an error for test files of the standard library that are broken on purpose.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash \
    "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" >/dev/null || true
COPY --from=build /usr/local/bin/claude /usr/local/bin/claude
COPY --from=build /opt/lib /opt/lib
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/opt/lib PYTHONUNBUFFERED=1
USER 10001:10001
ENTRYPOINT ["python3", "-m", "function.runner"]
CMD ["agent"]
