"""Model cards from a config.json, whatever its family calls its keys."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stratos.catalog.shapes import FAMILIES, Family, Shape, parameters
from stratos.catalog.types import ModelCard
from stratos.errors import SpecError

# Each size's names over the families; the first that is there counts.
_KEYS = {
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model"),
    "heads": ("num_attention_heads", "n_head", "n_heads"),
    "kv_heads": ("num_key_value_heads", "n_head_kv"),
    "head_size": ("head_dim",),
    "intermediate": ("intermediate_size", "n_inner", "ffn_dim"),
    "vocab_size": ("vocab_size",),
    "context": ("max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length"),
}
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")
_LARGEST = 2**40


def card_of_config(config_file: Path, name: str) -> ModelCard:
    """The card of the model whose config.json this is. Raises SpecError with the file and the key."""
    try:
        config = json.loads(config_file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(f"{config_file}: not readable as JSON: {error}", hint="save the model again") from error
    if not isinstance(config, dict):
        raise SpecError(f"{config_file}: not a JSON object", hint="save the model again")
    return _card(config, name, str(config_file))


def _card(config: Mapping[str, Any], name: str, where: str) -> ModelCard:
    text = config.get("text_config")
    config = {**config, **text} if isinstance(text, dict) else config
    if any(isinstance(config.get(key), int) and config[key] > 1 for key in _EXPERTS):
        raise SpecError(f"{where}: a mixture of experts", hint="choose a dense model: experts are not estimated")
    shape = _shape(config, where)
    family = _family(config)
    tied = config.get("tie_word_embeddings")
    return ModelCard(
        name=name,
        params=parameters(shape, family, tied=tied if isinstance(tied, bool) else family.tied),
        origin="pretrained",
        source=where,
        **dataclasses.asdict(shape),
    )


def _shape(config: Mapping[str, Any], where: str) -> Shape:
    hidden, heads = _need(config, "hidden", where), _need(config, "heads", where)
    return Shape(
        layers=_need(config, "layers", where),
        hidden=hidden,
        heads=heads,
        kv_heads=_size(config, "kv_heads", where) or heads,
        head_size=_size(config, "head_size", where) or max(1, hidden // heads),
        intermediate=_size(config, "intermediate", where) or 4 * hidden,
        vocab_size=_need(config, "vocab_size", where),
        context=_need(config, "context", where),
    )


def _need(config: Mapping[str, Any], size: str, where: str) -> int:
    value = _size(config, size, where)
    if value is None:
        keys = " or ".join(_KEYS[size])
        raise SpecError(f"{where}: no {keys}", hint="is this the config.json of a transformer language model?")
    return value


def _size(config: Mapping[str, Any], size: str, where: str) -> int | None:
    for key in _KEYS[size]:
        value = config.get(key)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _LARGEST:
            raise SpecError(f"{where}: {key} is {value!r}", hint=f"{key} must be a whole number above 0")
        return value
    return None


def _family(config: Mapping[str, Any]) -> Family:
    """The architecture's own; one that is not known counts as Llama-like."""
    family = FAMILIES.get(str(config.get("model_type")), FAMILIES["llama"])
    if config.get("attention_bias") is True:
        family = dataclasses.replace(family, qkv_bias=True, output_bias=True)
    return dataclasses.replace(family, mlp_bias=True) if config.get("mlp_bias") is True else family
