"""What training reads: records of prompt, answer and the teacher's distributions, in Parquet shards."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from stratos.errors import IntegrityError
from stratos.models.teacher import TokenDistributions

SCHEMA_VERSION = "1"
_VERSION_KEY = "stratos.teacher_cache"
_SCHEMA = pa.schema(
    [
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("answer", pa.string(), nullable=False),
        pa.field("slice", pa.string(), nullable=False),
        pa.field("mode", pa.string(), nullable=False),
        pa.field("top_k", pa.int32()),
        pa.field("ids", pa.list_(pa.int32())),
        pa.field("logprobs", pa.list_(pa.float32())),
        pa.field("tail_logprob", pa.list_(pa.float32())),
    ]
)


@dataclass(frozen=True, slots=True)
class Record:
    """One question to train on. `distributions` has a row for each token of `encode_answer(answer)`."""

    prompt: str
    answer: str
    slice: str
    mode: Literal["alignment", "injection"]
    distributions: TokenDistributions | None = None


def write_shard(path: Path, records: Sequence[Record], notes: Mapping[str, str] | None = None) -> None:
    """Writes a shard as a whole or not at all. `notes` are kept in its metadata. n tokens take n x k ids, flattened."""
    metadata = {**(notes or {}), _VERSION_KEY: SCHEMA_VERSION}
    table = pa.Table.from_pylist([_row(record) for record in records], schema=_SCHEMA.with_metadata(metadata))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(6)}"
    try:
        pq.write_table(table, temporary, compression="zstd")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_shard(path: Path) -> list[Record]:
    """Raises IntegrityError where the file is damaged or of another schema version."""
    read_notes(path)
    try:
        table = pq.read_table(path, schema=_SCHEMA)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, str(error)) from error
    return [_record(row, path) for row in table.to_pylist()]


def read_shards(folder: Path) -> list[Record]:
    """All records below a folder, in the order of the shards' names; empty where there is none."""
    return [record for path in sorted(folder.glob("*.parquet")) for record in read_shard(path)]


def read_notes(path: Path) -> dict[str, str]:
    """The notes that a shard was written with. Raises IntegrityError as `read_shard` does."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, str(error)) from error
    notes = {key.decode(): value.decode() for key, value in metadata.items()}
    version = notes.pop(_VERSION_KEY, "none")
    if version != SCHEMA_VERSION:
        raise IntegrityError(
            f"{path}: schema version {version}, and this Stratos reads {SCHEMA_VERSION}",
            hint="delete the run's data folder: it is made again",
        )
    return notes


def _row(record: Record) -> dict[str, Any]:
    row = {"prompt": record.prompt, "answer": record.answer, "slice": record.slice, "mode": record.mode}
    held = record.distributions
    if held is None:
        return row
    return row | {
        "top_k": held.ids.shape[1],
        "ids": held.ids.flatten().numpy(),
        "logprobs": held.logprobs.flatten().numpy(),
        "tail_logprob": held.tail_logprob.numpy(),
    }


def _record(row: dict[str, Any], path: Path) -> Record:
    held = None
    if (k := row["top_k"]) is not None:
        if not len(row["ids"]) == len(row["logprobs"]) == len(row["tail_logprob"]) * k:
            raise _damaged(path, f"distributions of another length than their tokens, at {row['prompt'][:40]!r}")
        held = TokenDistributions(
            ids=torch.tensor(row["ids"], dtype=torch.int32).view(-1, k),
            logprobs=torch.tensor(row["logprobs"], dtype=torch.float32).view(-1, k),
            tail_logprob=torch.tensor(row["tail_logprob"], dtype=torch.float32),
        )
    return Record(row["prompt"], row["answer"], row["slice"], row["mode"], held)


def _damaged(path: Path, why: str) -> IntegrityError:
    return IntegrityError(f"{path}: not a readable shard: {why}", hint="delete it: it is made again")
