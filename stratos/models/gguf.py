"""GGUF files, unpacked once to safetensors in the cache: reading them takes many times longer."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
import shutil
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GgufConfig, PreTrainedModel, PreTrainedTokenizerFast

from stratos import home
from stratos.models.files import translated
from stratos.models.gguf_llama import read_llama


def unpacked(folder: Path, gguf_file: str) -> Path:
    """A folder with the model's fp32 weights as safetensors, its config and tokenizer; made the first time.

    Keyed by the file's path, size and time of change. Raises StratosError where the file cannot be read.
    """
    target = home.cache() / "models" / _key(folder / gguf_file)
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{target.name}.{secrets.token_hex(6)}"
    try:
        with translated(str(folder / gguf_file), "is it a whole GGUF of an architecture that transformers knows?"):
            _unpack(folder, gguf_file, temporary)
        with contextlib.suppress(FileExistsError, OSError):  # another process was faster
            os.rename(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _key(file: Path) -> str:
    stat = file.stat()
    return hashlib.sha256(f"{file.resolve()} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:32]


def _unpack(folder: Path, gguf_file: str, target: Path) -> None:
    model = read_llama(folder / gguf_file) or _read_any(folder, gguf_file)
    model.save_pretrained(target)
    PreTrainedTokenizerFast.from_pretrained(folder, gguf_file=gguf_file).save_pretrained(target)


def _read_any(folder: Path, gguf_file: str) -> PreTrainedModel:
    packed = GgufConfig(dequantize=True)
    with contextlib.redirect_stderr(io.StringIO()):  # a progress bar that no setting of transformers turns off
        model = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=gguf_file, dtype=torch.float32, quantization_config=packed
        )
    return _without_quantiser(model)


def _without_quantiser(model: PreTrainedModel) -> PreTrainedModel:
    """save_pretrained refuses a model that once was a GGUF until it looks like any other."""
    model.is_quantized = False
    for owner, name in ((model, "hf_quantizer"), (model, "quantization_method"), (model.config, "quantization_config")):
        if hasattr(owner, name):
            delattr(owner, name)
    return model
