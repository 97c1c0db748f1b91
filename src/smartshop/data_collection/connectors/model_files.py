"""Model versions as folders that never change: sealed by a manifest, durable before they can be seen."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import msgspec

from smartshop.data_collection.connectors.ports import ModelRecord
from smartshop.data_collection.schemas.ids import Micros, ModelVersion
from smartshop.errors import ModelRefused

FORMAT_VERSION = 1
"""Of the folder's shape; a reader refuses any other."""
MANIFEST = "manifest.json"
_SCRATCH = ".scratch"
_READ_BYTES = 1 << 20


class FileSeal(msgspec.Struct, frozen=True):
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format_version: int
    agent: str
    version: ModelVersion
    trained_at: Micros
    data_until: Micros
    log_no: int
    metrics: dict[str, float]
    files: dict[str, FileSeal]
    """Path below the folder → what it must be."""


class ModelFiles:
    """The folder that holds all agents' versions: `AGENT/VERSION/` with the arrays and their manifest."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, agent: str, version: ModelVersion) -> Path:
        return self._root / agent / version

    def new_folder(self, agent: str, version: ModelVersion) -> Path:
        """An empty folder on the same file system, so that sealing it is a rename."""
        scratch = self._root / _SCRATCH
        scratch.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{agent}-{version}-", dir=scratch))

    def seal(self, record: ModelRecord, folder: Path) -> str:
        """Write the manifest and move the folder to its place; return the manifest's sha256.

        Raises:
            ModelRefused: the version exists already; a version is never replaced.
        """
        place = self.folder(record.agent, record.version)
        if place.exists():
            raise ModelRefused(f"Version {record.version} of {record.agent} exists already; train under a new version.")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            agent=record.agent,
            version=record.version,
            trained_at=record.trained_at,
            data_until=record.data_until,
            log_no=record.log_no,
            metrics=record.metrics,
            files={path.relative_to(folder).as_posix(): _seal_of(path) for path in files},
        )
        content = msgspec.json.format(msgspec.json.encode(manifest))
        (folder / MANIFEST).write_bytes(content)
        for path in (*files, folder / MANIFEST, folder):
            _make_durable(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        # mkdtemp's folder is its maker's alone; other processes of the shop read this one.
        folder.chmod(0o755)
        folder.rename(place)
        _make_durable(place.parent)
        return hashlib.sha256(content).hexdigest()

    def drop(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def open(self, record: ModelRecord) -> Path:
        """The folder, when it is exactly what was sealed.

        Raises:
            ModelRefused: missing, cut, altered or of another format version.
        """
        place = self.folder(record.agent, record.version)
        name = f"Version {record.version} of {record.agent}"
        try:
            content = (place / MANIFEST).read_bytes()
        except OSError as error:
            raise ModelRefused(f"{name} has no readable manifest in {place}; train again.") from error
        manifest = _read_manifest(content, name)
        if hashlib.sha256(content).hexdigest() != record.sha256:
            raise ModelRefused(f"{name} has another manifest than the one published; train again.")
        for path, seal in manifest.files.items():
            _check(place / path, path, seal, name)
        return place


def _read_manifest(content: bytes, name: str) -> Manifest:
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise ModelRefused(f"{name} has a manifest that cannot be read ({error}); train again.") from error
    if manifest.format_version != FORMAT_VERSION:
        raise ModelRefused(
            f"{name} has format {manifest.format_version}; this release reads {FORMAT_VERSION}. Train again."
        )
    return manifest


def _check(path: Path, shown: str, seal: FileSeal, name: str) -> None:
    try:
        size = path.stat().st_size
        if size != seal.size:
            raise ModelRefused(f"{name}: the file {shown} has {size} bytes instead of {seal.size}; train again.")
        if _sha256(path) != seal.sha256:
            raise ModelRefused(f"{name}: the file {shown} was altered after publishing; train again.")
    except OSError as error:
        raise ModelRefused(f"{name}: the file {shown} cannot be read ({error.strerror}); train again.") from error


def _seal_of(path: Path) -> FileSeal:
    return FileSeal(size=path.stat().st_size, sha256=_sha256(path))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _make_durable(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
