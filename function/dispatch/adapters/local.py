"""The Cluster port without a cluster: tiers come from files, Jobs go to a folder or nowhere."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from function.dispatch import marks
from function.dispatch.model import JobStatus
from function.shared.errors import Unavailable
from function.shared.strict_json import Json

BEGUN, UNFINISHED = "sre-job-", ".part"
"""The beginning and the end of the name of a file that is being written."""
OLD_SECONDS = 60.0
"""The age from which an unfinished file may be a leftover."""


class Tiers:
    """The CronJobs in the tier files, as the API server would return them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def template(self, name: str) -> Mapping[str, Any]:
        for path in sorted(self._folder.glob("*.yaml")):
            for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                if manifest and manifest["kind"] == "CronJob" and manifest["metadata"]["name"] == name:
                    template: Mapping[str, Any] = manifest["spec"]["jobTemplate"]
                    return template
        raise Unavailable("no_template", f"{self._folder} has no CronJob {name}")


class DryRunCluster(Tiers):
    """Creates nothing and has no Jobs. `explain` uses it."""

    def jobs(self) -> Sequence[JobStatus]:
        return ()

    def listed_job(self, name: str) -> JobStatus | None:
        return None

    def job(self, name: str) -> JobStatus | None:
        return None

    def create(self, manifest: Json) -> bool:
        return True


class Folder(Tiers):
    """Writes each Job to a file of the Job's name. The file is created exclusively. So the name is the lock,
    as on the API server.

    The Jobs do not run, so a Job counts as finished once it is written. The constructor deletes the files
    that a killed process left unfinished.
    """

    def __init__(self, tiers: Path, folder: Path) -> None:
        super().__init__(tiers)
        self._jobs = folder
        with contextlib.suppress(OSError):  # somebody is writing, or there is no such folder yet
            self._sweep()

    def _sweep(self) -> None:
        """Deletes unfinished files. Every writer holds the folder's lock, and the kernel releases it when a
        process ends. So nobody is writing while we have the lock alone."""
        with _locked(self._jobs, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for path in self._jobs.glob(f"{BEGUN}*{UNFINISHED}"):
                if path.lstat().st_mtime < time.time() - OLD_SECONDS:
                    path.unlink()

    def jobs(self) -> Sequence[JobStatus]:
        return [self._read(path) for path in sorted(self._jobs.glob("sre-*.yaml"))]

    def listed_job(self, name: str) -> JobStatus | None:
        return self.job(name)

    def job(self, name: str) -> JobStatus | None:
        path = self._path(name)
        return self._read(path) if path.exists() else None

    def create(self, manifest: Json) -> bool:
        try:
            return self._write(manifest)
        except OSError as error:
            raise Unavailable("folder", f"cannot write to {self._jobs}: {error.strerror}") from None

    def _write(self, manifest: Json) -> bool:
        self._jobs.mkdir(parents=True, exist_ok=True)
        # Creating a link is exclusive. A reader never sees half a file, even if this process is killed.
        with (
            _locked(self._jobs, fcntl.LOCK_SH),
            tempfile.NamedTemporaryFile(
                "w", dir=self._jobs, prefix=BEGUN, suffix=UNFINISHED, encoding="utf-8"
            ) as part,
        ):
            part.write(as_yaml(manifest))
            part.flush()
            os.fsync(part.fileno())
            try:
                os.link(part.name, self._path(manifest["metadata"]["name"]))
            except FileExistsError:
                return False
        return True

    def _path(self, name: str) -> Path:
        return self._jobs / f"{name}.yaml"

    @staticmethod
    def _read(path: Path) -> JobStatus:
        head = path.read_text(encoding="utf-8").partition("\nspec:")[0]  # the rest is the long prompt
        try:
            metadata = yaml.safe_load(head)["metadata"]
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            return JobStatus(
                name=metadata["name"],
                identity=metadata["annotations"]["sre-dispatch/identity"],
                resource=metadata["labels"]["sre-dispatch/resource"],
                created_at=written,
                marks=marks.read(metadata["annotations"]),
                completed_at=written,
                finished=True,
            )
        except (yaml.YAMLError, KeyError, TypeError):
            raise Unavailable("folder", f"{path.name} is no Job of ours: move it out of the folder") from None


@contextlib.contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    """Holds a lock on the folder until the end of the block. Each block has a lock of its own, also in one
    process."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, how)
        yield
    finally:
        os.close(opened)


class _Dumper(yaml.SafeDumper):
    """Writes long texts as blocks, so that people can read the prompt. Writes the labels of Job and pod in
    full, without YAML aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def as_yaml(manifest: Json) -> str:
    """Returns the manifest as YAML that people can read and `kubectl create -f` accepts."""
    return yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=False)
