"""From tokens to text: what bytes a token stands for, and text that never shows half a character or a stop string."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from typing import Any


class Vocabulary:
    """The bytes of every token, and which tokens are special (control the model and are no text)."""

    def __init__(self, tokenizer: Any) -> None:
        self.special = frozenset(tokenizer.all_special_ids)
        added = {index: str(token.content) for index, token in tokenizer.added_tokens_decoder.items()}
        decoders = _decoders(tokenizer)
        to_bytes = _byte_level if any(one.get("type") == "ByteLevel" for one in decoders) else _sentence_piece
        self._bytes = {
            index: added[index].encode() if index in added else to_bytes(token)
            for token, index in tokenizer.get_vocab().items()
        }
        hidden = _hidden(decoders)
        self._text = {index: hidden(data) for index, data in self._bytes.items()}

    def __len__(self) -> int:
        return 1 + max(map(int, self._bytes))

    def bytes_of(self, token: int) -> bytes:
        return self._bytes.get(token, b"")

    def text_bytes_of(self, token: int) -> bytes:
        """As `bytes_of` without what the tokenizer's decoder leaves out, and nothing for special tokens."""
        return b"" if token in self.special else self._text.get(token, b"")


class TextStream:
    """Text out of token bytes, released as soon as it can be neither half a character nor the start of a stop."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = stops
        self._held = ""
        self.released = 0
        self.stopped = False

    @property
    def decoded(self) -> int:
        """Characters decoded so far, released or held."""
        return self.released + len(self._held)

    def feed(self, data: bytes, final: bool = False) -> str:
        """The text that `data` releases; with `final` everything that was held. Ends before the first stop string."""
        self._held += self._decoder.decode(data, final)
        found = [at for at in (self._held.find(stop) for stop in self._stops) if at >= 0]
        if found:
            self.stopped = True
            return self._release(min(found), drop_rest=True)
        return self._release(len(self._held) - (0 if final else self._may_be_a_stop()))

    def _release(self, length: int, drop_rest: bool = False) -> str:
        text, rest = self._held[:length], self._held[length:]
        self._held = "" if drop_rest else rest
        self.released += length
        return text

    def _may_be_a_stop(self) -> int:
        longest = min(len(self._held), max((len(stop) for stop in self._stops), default=1) - 1)
        for length in range(longest, 0, -1):
            if any(stop.startswith(self._held[-length:]) for stop in self._stops):
                return length
        return 0


def _decoders(tokenizer: Any) -> list[dict[str, Any]]:
    """The steps of a fast tokenizer's decoder; none for a slow one."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return [] if backend is None else _flattened(json.loads(backend.to_str())["decoder"])


def _flattened(decoder: Any) -> list[dict[str, Any]]:
    if not isinstance(decoder, dict):
        return []
    return [decoder, *(step for inner in decoder.get("decoders", ()) for step in _flattened(inner))]


def _hidden(decoders: list[dict[str, Any]]) -> Callable[[bytes], bytes]:
    """Takes out of a token's bytes what the decoder replaces by nothing, such as the marks of a spelling."""
    removed = [step["pattern"] for step in decoders if step.get("type") == "Replace" and step["content"] == ""]
    wholes = [pattern.get("Regex") or re.escape(pattern["String"]) for pattern in removed]
    if not wholes:
        return bytes
    expression = re.compile("|".join(wholes))
    return lambda data: expression.sub("", data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _byte_level(token: str) -> bytes:
    return b"".join(_BYTE_OF.get(character, character.encode()) for character in token)


def _sentence_piece(token: str) -> bytes:
    if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
        return bytes.fromhex(token[3:5])
    return token.replace("\u2581", " ").encode()


def _byte_table() -> dict[str, bytes]:
    """Byte-level BPE writes printable Latin-1 bytes as themselves and the others, in order, from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): bytes([byte]) for byte in printable}
    return table | {chr(0x100 + place): bytes([byte]) for place, byte in enumerate(others)}


_BYTE_OF = _byte_table()
