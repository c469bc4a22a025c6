"""Text out of tokens: characters stay whole, and stop strings never show."""

from __future__ import annotations

import pytest

from bentos.student.text import TextStream, Vocabulary


def _feed_bytes(stops: tuple[str, ...], text: bytes) -> list[str]:
    stream = TextStream(stops)
    parts = []
    for byte in text:
        parts.append(stream.feed(bytes([byte])))
        if stream.stopped:
            return parts
    return [*parts, stream.feed(b"", final=True)]


def test_characters_stay_whole() -> None:
    text = "aü漢🀄z"
    assert [part for part in _feed_bytes((), text.encode()) if part] == list(text)


def test_broken_bytes_become_what_a_whole_decoding_makes_of_them() -> None:
    data = b"a\xf0\x9f\x80b\xff\xe6"
    assert "".join(_feed_bytes((), data)) == data.decode("utf-8", "replace")


@pytest.mark.parametrize("stops", [("abc",), ("漢字",), ("aab", "ab!"), ("x", "nothing")])
@pytest.mark.parametrize("text", ["", "abc", "ababc!", "aaab!", "zz漢漢字", "no st", "ab", "aabx"])
def test_text_ends_before_the_first_stop(stops: tuple[str, ...], text: str) -> None:
    found = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    for size in (1, 2, 5):
        stream = TextStream(stops)
        data = text.encode()
        written = ""
        for part in _batched(data, size):
            written += stream.feed(part)
            if stream.stopped:
                break
        else:
            written += stream.feed(b"", final=True)
        assert text.startswith(written)
        assert stream.stopped == bool(found)
        assert stream.stopped or written == text
        if size == 1 and found:
            assert not any(stop in written for stop in stops)


def _batched(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


class _Pieces:
    """A tokenizer whose pieces mark spaces, with tokens for bare bytes."""

    all_special_ids = (0,)
    added_tokens_decoder = {0: type("Added", (), {"content": "</s>"})}  # noqa: RUF012
    backend_tokenizer = None

    def get_vocab(self) -> dict[str, int]:
        return {"</s>": 0, "\u2581the": 1, "<0xC3>": 2, "<0xBC>": 3, "end": 5}


def test_pieces_and_bare_bytes_are_understood() -> None:
    vocabulary = Vocabulary(_Pieces())
    assert [vocabulary.bytes_of(token) for token in range(6)] == [b"</s>", b" the", b"\xc3", b"\xbc", b"", b"end"]
    assert vocabulary.text_bytes_of(0) == b""
