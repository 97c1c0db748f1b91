"""What a killed training goes on from: everything that the next epoch needs, in one file of plain arrays per lesson.

A training that had come to its end is not repeated either: a model is fitted twice, once to be judged and once on all
there is, and a kill in the second fit should not cost the first.
"""

import hashlib
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

PATTERN = "attention.*.npz"
KEPT = 6
"""Checkpoints in a folder, the newest: those of three members in each of the two fits of one model."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far learning has come."""

    fingerprint: str
    """Of all that decides the result: a checkpoint of another lesson is not gone on from."""
    epoch: int
    """Epochs that are done."""
    steps: int
    seconds: float
    """Spent so far, over all attempts."""
    best: float
    """NDCG@10 of the shoppers put aside, at the best epoch."""
    best_epoch: int
    """Epochs that were done then."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    standing: Standing
    arrays: Mapping[str, NDArray[np.float32]]
    """Named `kind/weight`; the kinds are training's own."""

    def of(self, kind: str) -> dict[str, NDArray[np.float32]]:
        return {name.split("/", 1)[1]: array for name, array in self.arrays.items() if name.startswith(f"{kind}/")}


def fingerprint(settings: bytes, arrays: Mapping[str, NDArray[np.generic]]) -> str:
    """sha256 over the settings and the bytes of every array."""
    digest = hashlib.sha256(settings)
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def checkpoint_path(folder: Path, mark: str) -> Path:
    return folder / PATTERN.replace("*", mark[:32])


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the lesson's last one in one step, so that a kill leaves the old or the new, never half of one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = checkpoint_path(folder, checkpoint.standing.fingerprint)
    written = path.with_suffix(".new")
    standing = np.frombuffer(msgspec.json.encode(checkpoint.standing), np.uint8)
    with written.open("wb") as file:
        # Spelt out, since a keyword of savez must be an identifier for the type checker, and these names have slashes.
        np.savez(file, standing, **dict(checkpoint.arrays))  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
    stored = sorted(folder.glob(PATTERN), key=lambda each: (each.stat().st_mtime_ns, each.name))
    for outdated in stored[:-KEPT]:
        outdated.unlink(missing_ok=True)


def load_checkpoint(folder: Path, wanted: str) -> Checkpoint | None:
    """The checkpoint of this fingerprint; None where there is none, it is another lesson's, or it cannot be read."""
    try:
        with np.load(checkpoint_path(folder, wanted), allow_pickle=False) as stored:
            standing = msgspec.json.decode(stored["arr_0"].tobytes(), type=Standing)
            if standing.fingerprint != wanted:
                return None
            return Checkpoint(standing, {name: stored[name] for name in stored.files if name != "arr_0"})
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, msgspec.MsgspecError):
        return None
