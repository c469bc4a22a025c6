"""A tiny student for the tests of serving, and what transformers itself makes of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from stratos.job.contract import ArtifactFile, Manifest

KEY = "sk-of-the-tests"
CONTEXT = 256
TEMPLATE = (
    "{% for message in messages %}{% if message.role == 'system' %}{{ message.content }}{% else %}"
    "<{{ message.role }}>{{ message.content }}{% endif %}{% endfor %}<assistant>"
)


@dataclass(frozen=True)
class Served:
    """A living endpoint and the model behind it."""

    url: str
    keys_file: Path
    model: Any
    tokenizer: Any
    http: httpx.Client

    def greedy(self, prompt: list[int], max_new_tokens: int) -> list[int]:
        """What transformers writes by itself, without the token that ends it."""
        import torch

        output = self.model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt)),
            do_sample=False,
            max_new_tokens=max_new_tokens,
        )
        written = output[0, len(prompt) :].tolist()
        return written[:-1] if written[-1] == self.tokenizer.eos_token_id else written

    def text(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True))

    def chat_tokens(self, content: str) -> list[int]:
        return list(self.tokenizer(f"<user>{content}<assistant>")["input_ids"])

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {KEY}"} | arguments.pop("headers", {})
        return self.http.post(path, headers=headers, **arguments)


def write_keys(path: Path, *keys: str) -> None:
    path.write_text(json.dumps({"sha256": [sha256(key.encode()) for key in keys]}))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_manifest(folder: Path, **changed: Any) -> None:
    files = [path for path in sorted(folder.iterdir()) if path.name != "manifest.json"]
    manifest = Manifest(
        run="tests", student="tiny", teacher="none", prompt="raw", steps=1, parameters=1, max_new_tokens=24,
        files=tuple(
            ArtifactFile(path=path.name, sha256=sha256(path.read_bytes()), bytes=path.stat().st_size) for path in files
        ),
    )  # fmt: skip
    (folder / "manifest.json").write_text(manifest.model_copy(update=changed).model_dump_json())


def save_student(folder: Path) -> None:
    """Random weights, large enough that the likeliest token is clear, and a tokenizer of bytes and some words."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<pad>", "<eos>", "<user>", "<assistant>", *sorted(pre_tokenizers.ByteLevel.alphabet()), "ab", "abc", "Ã¼"]
    merges = [("a", "b"), ("ab", "c"), ("Ã", "¼")]
    tokens = Tokenizer(models.BPE(vocab={word: index for index, word in enumerate(words)}, merges=merges))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens, pad_token="<pad>", eos_token="<eos>", extra_special_tokens=["<user>", "<assistant>"]
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=CONTEXT, eos_token_id=1, pad_token_id=0, bos_token_id=None, initializer_range=0.4,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
