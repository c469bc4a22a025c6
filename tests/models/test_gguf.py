"""GGUF files: a Llama comes back to the bit, what is more than that is left to transformers, what is broken is told."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import pytest
import torch
from tiny import tiny_teacher
from transformers import AutoModelForCausalLM, LlamaForCausalLM, PreTrainedTokenizerBase

from stratos.errors import StratosError
from stratos.models.gguf_llama import read_llama
from stratos.models.student import load_model
from stratos.spec.model import StudentShape

TEXT = "the hand waits for a tile, the tile for a hand 東"
SHAPE = StudentShape(layers=2, hidden=32, heads=4, kv_heads=2, vocab_size=340)
NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def _gguf_name(name: str) -> str:
    inner = name.removesuffix(".weight")
    if inner.startswith("model.layers."):
        _, _, layer, what = inner.split(".", 3)
        return f"blk.{layer}.{NAMES[what]}.weight"
    return f"{NAMES[inner]}.weight"


def _side_by_side(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rotary pairs next to each other, as the format has them: row h, i, half to row h, half, i."""
    rows, columns = weight.shape
    return weight.view(heads, 2, rows // heads // 2, columns).transpose(1, 2).reshape(rows, columns)


def write_gguf(path: Path, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, *, extra: bool = False) -> None:
    config, writer = model.config, gguf.GGUFWriter(path, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token.startswith("<") and len(token) > 1 else 1 for token in tokens])
    learnt = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_token_merges([" ".join(pair) for pair in learnt])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_chat_template(tokenizer.chat_template)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, weight in model.named_parameters():
        rotary = heads.get(name.split(".")[-2])
        values = weight.data if rotary is None else _side_by_side(weight.data, rotary)
        writer.add_tensor(_gguf_name(name), values.contiguous().numpy())
    if extra:
        writer.add_tensor("rope_freqs.weight", torch.ones(4).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[LlamaForCausalLM, PreTrainedTokenizerBase]:
    monkeypatch.setenv("STRATOS_HOME", str(tmp_path / "home"))
    model, tokenizer = load_model(str(tiny_teacher(tmp_path, [TEXT] * 9, shape=SHAPE)))
    return model, tokenizer


def test_a_llama_comes_back_to_the_bit(
    tmp_path: Path, original: tuple[LlamaForCausalLM, PreTrainedTokenizerBase], capfd: pytest.CaptureFixture[str]
) -> None:
    model, tokenizer = original
    write_gguf(tmp_path / "m.gguf", model, tokenizer)
    loaded, its_tokenizer = load_model(str(tmp_path / "m.gguf"))
    assert capfd.readouterr() == ("", "")
    ids = torch.tensor([tokenizer(TEXT)["input_ids"]])
    assert its_tokenizer(TEXT)["input_ids"] == ids[0].tolist()
    assert its_tokenizer.eos_token == "<eos>"
    with torch.no_grad():
        assert torch.equal(loaded(ids).logits, model(ids).logits)


def test_it_reads_what_transformers_reads(
    tmp_path: Path, original: tuple[LlamaForCausalLM, PreTrainedTokenizerBase]
) -> None:
    write_gguf(tmp_path / "m.gguf", *original)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="m.gguf", dtype=torch.float32).state_dict()
    ours = read_llama(tmp_path / "m.gguf")
    assert ours is not None
    assert ours.state_dict().keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.state_dict().items())


def test_more_than_a_plain_llama_is_left_to_transformers(
    tmp_path: Path, original: tuple[LlamaForCausalLM, PreTrainedTokenizerBase]
) -> None:
    write_gguf(tmp_path / "m.gguf", *original, extra=True)
    assert read_llama(tmp_path / "m.gguf") is None
    loaded, _ = load_model(str(tmp_path / "m.gguf"))
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        torch.testing.assert_close(loaded(ids).logits, original[0](ids).logits)


def test_it_is_unpacked_once_and_anew_when_it_changes(
    tmp_path: Path, original: tuple[LlamaForCausalLM, PreTrainedTokenizerBase]
) -> None:
    cached = tmp_path / "home" / "cache" / "models"
    write_gguf(tmp_path / "m.gguf", *original)
    load_model(str(tmp_path / "m.gguf"))
    first = list(cached.iterdir())
    load_model(str(tmp_path / "m.gguf"))
    assert list(cached.iterdir()) == first
    write_gguf(tmp_path / "m.gguf", *original)
    load_model(str(tmp_path / "m.gguf"))
    assert len(list(cached.iterdir())) == 2


def test_a_broken_file_is_an_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATOS_HOME", str(tmp_path / "home"))
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(StratosError, match=r"broken\.gguf"):
        load_model(str(tmp_path / "broken.gguf"))
    assert not list((tmp_path / "home" / "cache" / "models").iterdir())
