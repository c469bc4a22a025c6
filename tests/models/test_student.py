"""Students: seeded weights, saved and loaded from every source, and errors that say what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from tiny import TINY_SHAPE, tiny_teacher

from stratos.catalog.cards import card_of_student
from stratos.errors import IntegrityError, SpecError, StratosError
from stratos.models.student import load_model, new_student, save_model
from stratos.models.tokenizer import train_tokenizer
from stratos.spec.model import Student, StudentShape


def test_the_same_seed_gives_the_same_weights_and_leaves_torch_as_it_was() -> None:
    tokenizer = train_tokenizer((), 320)
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first, again, other = (new_student(TINY_SHAPE, tokenizer, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["model.embed_tokens.weight"], other["model.embed_tokens.weight"])


def test_a_student_has_its_shape() -> None:
    shape = StudentShape(layers=3, hidden=48, heads=4, kv_heads=2, context=128, vocab_size=400)
    tokenizer = train_tokenizer(["some words to merge, and some words again"] * 9, 400)
    model = new_student(shape, tokenizer, 0)
    assert model.dtype == torch.float32
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert model.config.vocab_size == len(tokenizer)
    assert model.config.max_position_embeddings == 128
    assert model.config._attn_implementation == "sdpa"
    assert model.config.eos_token_id == tokenizer.eos_token_id
    card = card_of_student(Student(name="s", shape=shape))
    fewer_tokens = (card.vocab_size - len(tokenizer)) * shape.hidden
    assert sum(p.numel() for p in model.parameters()) == card.params - fewer_tokens


def test_saving_and_loading_a_folder_changes_nothing(tmp_path: Path) -> None:
    folder = tiny_teacher(tmp_path)
    model, tokenizer = load_model(str(folder))
    assert not model.training
    again = tmp_path / "again"
    again.mkdir()
    (again / "mine.txt").write_text("kept")
    save_model(model, tokenizer, again)
    save_model(model, tokenizer, again)
    assert (again / "mine.txt").read_text() == "kept"
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {file.name for file in again.iterdir()}
    assert not [file for file in again.iterdir() if file.is_dir() or file.suffix in {".bin", ".pt", ".pkl"}]
    with safe_open(folder / "model.safetensors", "pt") as one, safe_open(again / "model.safetensors", "pt") as two:
        names = list(one.keys())
        assert names == list(two.keys())
        assert all(torch.equal(one.get_tensor(name), two.get_tensor(name)) for name in names)


def test_a_finished_run_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATOS_HOME", str(tmp_path / "home"))
    artifact = tmp_path / "home" / "runs" / "first" / "artifact"
    artifact.parent.mkdir(parents=True)
    tiny_teacher(tmp_path).rename(artifact)
    model, _ = load_model("run:first")
    assert model.config.hidden_size == TINY_SHAPE.hidden
    with pytest.raises(SpecError, match="second"):
        load_model("run:second")


def test_loading_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_model(str(tiny_teacher(tmp_path)))
    assert capfd.readouterr() == ("", "")


def test_damaged_weights_are_an_integrity_error(tmp_path: Path) -> None:
    folder = tiny_teacher(tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(IntegrityError, match="weights are damaged"):
        load_model(str(folder))


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = tiny_teacher(tmp_path)
    model, _ = load_model(str(folder))
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(StratosError, match="cannot be loaded") as caught:
        load_model(str(folder))
    assert "safetensors" in caught.value.hint


def test_a_tokenizer_that_cannot_end_an_answer_is_refused(tmp_path: Path) -> None:
    folder = tiny_teacher(tmp_path)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["eos_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(StratosError, match="no token that ends an answer"):
        load_model(str(folder))


def test_code_of_a_models_own_is_not_run(tmp_path: Path) -> None:
    folder = tiny_teacher(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    names = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "evil", "auto_map": names}))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')")
    with pytest.raises(StratosError, match="cannot be loaded"):
        load_model(str(folder))
    assert not (tmp_path / "was-run").exists()


def test_a_hub_model_out_of_reach_says_what_to_do(tmp_path: Path) -> None:
    """In a process of its own: where the hub is, is read when its library loads."""
    program = """
from stratos.errors import StratosError
from stratos.models.student import load_model
try:
    load_model("org/not-here")
except StratosError as error:
    print(error, error.hint, sep="|")
"""
    settings = {**os.environ, "HF_HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": "x"}
    done = subprocess.run([sys.executable, "-c", program], env=settings, capture_output=True, text=True, check=True)
    message, _, hint = done.stdout.strip().partition("|")
    assert message.startswith("org/not-here: not on this machine")
    assert "hf download org/not-here" in hint
    assert done.stderr == ""
