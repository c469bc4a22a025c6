"""The run's object store: whole objects, written atomically, through fsspec."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem
from pydantic import BaseModel, ValidationError

from stratos.errors import IntegrityError

Model = TypeVar("Model", bound=BaseModel)


class Store:
    """Objects below one root, a local folder or any fsspec URL."""

    def __init__(self, url: str) -> None:
        self.fs, root = fsspec.core.url_to_fs(url)
        self.root = str(root).rstrip("/")
        self.url = url

    @property
    def local_path(self) -> Path:
        """The folder, where the store is one. Raises IntegrityError elsewhere."""
        if not isinstance(self.fs, LocalFileSystem):
            raise IntegrityError(f"{self.url} is not a local folder")
        return Path(self.root)

    def exists(self, path: str) -> bool:
        return bool(self.fs.exists(self._at(path)))

    def read(self, path: str) -> bytes:
        """The object's bytes. Raises FileNotFoundError."""
        return bytes(self.fs.cat_file(self._at(path)))

    def read_model(self, path: str, kind: type[Model]) -> Model:
        """The object, validated. Raises FileNotFoundError, or IntegrityError where it does not fit."""
        try:
            return kind.model_validate_json(self.read(path))
        except ValidationError as error:
            raise IntegrityError(f"{self.url}/{path} is not a {kind.__name__}: {error.errors()[0]['msg']}") from error

    def write(self, path: str, data: bytes | BaseModel) -> None:
        """Replaces the object as a whole: a reader sees the old one or the new one."""
        content = _bytes(data)
        if isinstance(self.fs, LocalFileSystem):
            temporary = self._temporary(path, content)
            os.replace(temporary, self._at(path))
        else:
            self.fs.pipe_file(self._at(path), content)

    def create(self, path: str, data: bytes | BaseModel) -> None:
        """Makes the object, whole, only where there is none. Raises FileExistsError."""
        content = _bytes(data)
        if not isinstance(self.fs, LocalFileSystem):
            self.fs.pipe_file(self._at(path), content, mode="create")
            return
        temporary = self._temporary(path, content)
        try:
            os.link(temporary, self._at(path))
        finally:
            temporary.unlink()

    def list(self, prefix: str) -> list[str]:
        """Names (not paths) of the objects right under `prefix`, sorted; empty where there is none."""
        self.fs.invalidate_cache()
        try:
            found = self.fs.ls(self._at(prefix), detail=False)
        except FileNotFoundError:
            return []
        names = (str(name).rstrip("/").rsplit("/", 1)[-1] for name in found)
        return sorted(name for name in names if not name.startswith("."))

    def delete(self, path: str) -> None:
        """Removes the object or everything under it; nothing happens where there is nothing."""
        with contextlib.suppress(FileNotFoundError):
            self.fs.rm(self._at(path), recursive=True)

    def _at(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root

    def _temporary(self, path: str, content: bytes) -> Path:
        target = Path(self._at(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f".{target.name}.{secrets.token_hex(6)}"
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return temporary


def _bytes(data: bytes | BaseModel) -> bytes:
    return data.model_dump_json(indent=1).encode() if isinstance(data, BaseModel) else data
