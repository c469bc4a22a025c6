"""A GGUF file's metadata and tensor shapes, read from its header alone, in milliseconds."""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

from stratos.errors import SpecError

Scalar = int | float | bool | str
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_KEPT_ITEMS = 4096
_MOST_DIMENSIONS = 8


@dataclass(frozen=True)
class GgufHeader:
    """Metadata (of an array only its numbers, where they are few) and each tensor's sizes, innermost first."""

    metadata: dict[str, Scalar | tuple[Scalar, ...]]
    tensors: dict[str, tuple[int, ...]]

    def parameters(self) -> int:
        """Numbers in the weights; tables of rotary factors are none."""
        return sum(math.prod(sizes) for name, sizes in self.tensors.items() if not name.startswith("rope_"))


def read_gguf_header(path: Path) -> GgufHeader:
    """Memory-maps the file and walks its header. Raises SpecError where it is no whole GGUF of version 2 or 3."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Walk(data).header()
    except (OSError, ValueError, struct.error, OverflowError) as error:
        raise SpecError(f"{path}: not a readable GGUF file: {error}", hint="download the file again") from error


class _Walk:
    """A position in the header, moving on as it is read."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def header(self) -> GgufHeader:
        if self.data[:4] != b"GGUF":
            raise ValueError("it does not begin with GGUF")
        self.at = 4
        if (version := int(self.number("I"))) not in _VERSIONS:
            raise ValueError(f"version {version} is not known")
        tensor_count, pair_count = int(self.number("Q")), int(self.number("Q"))
        metadata = dict(self.pair() for _ in range(pair_count))
        tensors = dict(self.tensor() for _ in range(tensor_count))
        return GgufHeader({key: value for key, value in metadata.items() if value is not None}, tensors)

    def pair(self) -> tuple[str, Scalar | tuple[Scalar, ...] | None]:
        key, kind = self.string(), int(self.number("I"))
        return key, self.array() if kind == _ARRAY else self.scalar(kind)

    def tensor(self) -> tuple[str, tuple[int, ...]]:
        name, dimensions = self.string(), int(self.number("I"))
        if dimensions > _MOST_DIMENSIONS:
            raise ValueError(f"the tensor {name[:60]!r} has {dimensions} dimensions")
        sizes = tuple(int(self.number("Q")) for _ in range(dimensions))
        self.skip(struct.calcsize("<IQ"))
        return name, sizes

    def scalar(self, kind: int) -> Scalar:
        if kind == _STRING:
            return self.string()
        return self.number(self.format(kind))

    def array(self) -> tuple[Scalar, ...] | None:
        kind, count = int(self.number("I")), int(self.number("Q"))
        if kind == _STRING:
            for _ in range(count):
                self.skip(int(self.number("Q")))
            return None
        if count <= _KEPT_ITEMS:
            return tuple(self.number(self.format(kind)) for _ in range(count))
        self.skip(count * struct.calcsize("<" + self.format(kind)))
        return None

    def format(self, kind: int) -> str:
        if kind not in _FORMATS:
            raise ValueError(f"a value has the unknown type {kind}")
        return _FORMATS[kind]

    def number(self, form: str) -> int | float | bool:
        start = self.at
        self.skip(struct.calcsize("<" + form))
        return struct.unpack_from("<" + form, self.data, start)[0]  # type: ignore[no-any-return]

    def string(self) -> str:
        length = int(self.number("Q"))
        start = self.at
        self.skip(length)
        return self.data[start : self.at].decode("utf-8", "replace")

    def skip(self, count: int) -> None:
        if self.at + count > len(self.data):
            raise ValueError("it ends within its header")
        self.at += count
