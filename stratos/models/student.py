"""Students: new ones from a shape, any model loaded from its source, and saved as safetensors."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from stratos.catalog.shapes import intermediate_size
from stratos.catalog.sources import resolve
from stratos.models.files import load_folder, load_hub
from stratos.models.gguf import unpacked
from stratos.spec.model import StudentShape

_ROPE_THETA = 10_000.0


def new_student(shape: StudentShape, tokenizer: PreTrainedTokenizerBase, seed: int) -> LlamaForCausalLM:
    """A Llama-like model with random weights: fp32, tied embeddings, no dropout, as many tokens as the tokenizer.

    The same shape, tokenizer size and seed give the same weights; torch's own random state is left as it was.
    """
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        intermediate_size=intermediate_size(shape),
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads or shape.heads,
        max_position_embeddings=shape.context,
        rope_parameters={"rope_type": "default", "rope_theta": _ROPE_THETA},
        tie_word_embeddings=True,
        attention_dropout=0.0,
        attn_implementation="sdpa",
        dtype=torch.float32,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def load_model(source: str, dtype: torch.dtype = torch.float32) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model in evaluation mode and its tokenizer, on the CPU, from any source that `catalog.sources` knows.

    Only safetensors and GGUF are read and no code of a model's own is run. Raises SpecError where the source is
    unknown, IntegrityError where its weights are damaged, StratosError where it cannot be loaded.
    """
    files = resolve(source)
    if files.hub_name is not None:
        return load_hub(files.hub_name, dtype)
    assert files.folder is not None
    folder = unpacked(files.folder, files.gguf_file) if files.gguf_file is not None else files.folder
    return load_folder(folder, dtype)


def save_model(model: Any, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Writes config, weights (safetensors) and tokenizer; each file replaces its older self as a whole."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".saving-{secrets.token_hex(6)}"
    try:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        for file in sorted(temporary.iterdir()):
            os.replace(file, folder / file.name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
