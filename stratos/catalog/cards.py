"""Model cards: a teacher's or student's shape from its own files, its spec, or the shipped list."""

from __future__ import annotations

import dataclasses
import os
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from stratos.catalog.configs import card_of_config
from stratos.catalog.gguf_header import GgufHeader, read_gguf_header
from stratos.catalog.shapes import FAMILIES, parameters, student_shape
from stratos.catalog.sources import resolve
from stratos.catalog.types import ModelCard
from stratos.errors import SpecError
from stratos.spec.model import Frozen, Student, StudentShape, Teacher


class ShippedModel(Frozen):
    """One model of models.yaml, with the figures of its config.json."""

    model: str = Field(description="Its hub name.")
    family: str = Field(description="model_type of its config.json.")
    params: int
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    intermediate: int
    vocab_size: int
    context: int
    tied: bool
    licence: str
    tokenizer: str = Field(description="Models of one tokenizer family share their tokens.")
    source: str

    def card(self, name: str) -> ModelCard:
        kept = self.model_dump(exclude={"model", "family", "tied", "licence", "tokenizer", "source"})
        return ModelCard(name=name, origin="pretrained", source=f"shipped card: {self.source}", **kept)


def card_of_teacher(teacher: Teacher) -> ModelCard:
    """Raises SpecError where the source is missing, unreadable, or a hub model of which nothing is known here."""
    return _card_of_source(teacher.source, teacher.name)


def card_of_student(student: Student, teacher: ModelCard | None = None) -> ModelCard:
    """As for a teacher, or from the shape. A scratch student that takes its teacher's tokenizer needs the teacher's
    card: its vocabulary is the teacher's.
    """
    if student.shape is None:
        return _card_of_source(str(student.source), student.name)
    return _card_of_shape(student.name, student.shape, student.tokenizer, teacher)


@cache
def shipped_models() -> tuple[ShippedModel, ...]:
    """The models whose figures come with Stratos."""
    listed = yaml.safe_load((Path(__file__).parent / "models.yaml").read_text(encoding="utf-8"))
    return tuple(ShippedModel.model_validate(entry) for entry in listed)


def _card_of_shape(
    name: str, shape: StudentShape, tokenizer: Literal["task", "teacher"], teacher: ModelCard | None
) -> ModelCard:
    sizes = student_shape(shape)
    if tokenizer == "teacher" and teacher is not None:
        sizes = dataclasses.replace(sizes, vocab_size=teacher.vocab_size)
    params = parameters(sizes, FAMILIES["llama"], tied=True)
    return ModelCard(name=name, params=params, origin="scratch", source="the spec's shape", **dataclasses.asdict(sizes))


def _card_of_source(source: str, name: str) -> ModelCard:
    files = resolve(source)
    if files.hub_name is not None:
        return _card_of_hub_model(files.hub_name, name)
    if files.folder is None:
        raise SpecError(f"model source {source!r} has no files", hint="give a folder or a .gguf file")
    if files.gguf_file is not None:
        path = files.folder / files.gguf_file
        return _card_of_gguf(read_gguf_header(path), name, str(path))
    return card_of_config(files.folder / "config.json", name)


def _card_of_hub_model(hub_name: str, name: str) -> ModelCard:
    cached = _cached_config(hub_name)
    if cached is not None:
        return card_of_config(cached, name)
    for shipped in shipped_models():
        if shipped.model.casefold() == hub_name.casefold():
            return shipped.card(name)
    raise SpecError(
        f"model {hub_name}: not on this machine, and no card of it is shipped",
        hint=f"run `hf download {hub_name} config.json` first, or give a folder that exists",
    )


def _cached_config(hub_name: str) -> Path | None:
    """config.json in the Hugging Face cache: of the revision called main, else of the newest one there."""
    root = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    hub = Path(os.environ.get("HF_HUB_CACHE") or Path(root) / "hub").expanduser()
    model = hub / f"models--{hub_name.replace('/', '--')}"
    main = model / "refs" / "main"
    if main.is_file():
        config = model / "snapshots" / main.read_text(encoding="ascii", errors="replace").strip() / "config.json"
        if config.is_file():
            return config
    found = list(model.glob("snapshots/*/config.json"))
    return max(found, key=lambda path: path.stat().st_mtime) if found else None


def _card_of_gguf(header: GgufHeader, name: str, where: str) -> ModelCard:
    architecture = header.metadata.get("general.architecture")

    def size(key: str, fallback: int = 0) -> int:
        value = header.metadata.get(f"{architecture}.{key}", fallback)
        largest = max(value, default=fallback) if isinstance(value, tuple) else value
        return largest if isinstance(largest, int) else fallback

    heads, hidden = size("attention.head_count"), size("embedding_length")
    try:
        return ModelCard(
            name=name,
            params=header.parameters(),
            layers=size("block_count"),
            hidden=hidden,
            heads=heads,
            kv_heads=size("attention.head_count_kv", heads),
            head_size=size("attention.key_length", hidden // max(heads, 1)),
            intermediate=size("feed_forward_length"),
            vocab_size=size("vocab_size", (header.tensors.get("token_embd.weight") or (0,))[-1]),
            context=size("context_length"),
            origin="pretrained",
            source=where,
        )
    except ValidationError as error:
        missing = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise SpecError(f"{where}: its header gives no {missing}", hint="is it a language model?") from error
