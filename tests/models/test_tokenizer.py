"""Tokenizers trained on a task: nothing unknown, digits apart, a chat template that survives saving."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from stratos.models.student import new_student, save_model
from stratos.models.text import decode_answer, encode_answer, encode_prompt
from stratos.models.tokenizer import SPECIALS, train_tokenizer
from stratos.spec.model import StudentShape
from stratos.tasks.base import Spelling

TEXTS = ["the waits of 123m456p789s1122z are 12z", "the hand 1112345678999m waits for 123456789m"] * 20
STRANGE = [
    "",
    " ",
    "  two  spaces ",
    "\n\r\n\t",
    "naïve",
    "一萬 東",
    "👩‍👩‍👧 ﷽",
    "\x00\x7f",
    "a.b , c !",
    "e\u0301 vs é",
    "２３",
]


def _everything(seed: int) -> str:
    rng = random.Random(seed)
    codes = (rng.randrange(0x110000) for _ in range(200))
    return "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)


@pytest.fixture(params=[320, 400, 1000], ids=str)
def tokenizer(request: pytest.FixtureRequest) -> PreTrainedTokenizerFast:
    return train_tokenizer(TEXTS, request.param)


@pytest.mark.parametrize("text", [*STRANGE, _everything(1), _everything(2)])
def test_any_text_comes_back(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert decode_answer(tokenizer, encode_answer(tokenizer, text)) == text


def test_without_merges_every_byte_is_a_token() -> None:
    tokenizer = train_tokenizer(TEXTS, 320)
    assert len(tokenizer) == len(SPECIALS) + 256
    assert len(tokenizer("123m東")["input_ids"]) == len("123m東".encode())


def test_merges_are_learnt_but_never_across_digits() -> None:
    tokenizer = train_tokenizer(TEXTS, 400)
    assert 260 < len(tokenizer) <= 400
    assert len(tokenizer("the waits")["input_ids"]) < len("the waits")
    digits = [token for token in tokenizer.get_vocab() if set(token) & set("0123456789")]
    assert sorted(digits) == list("0123456789")


def test_a_tokenizer_is_the_same_each_time() -> None:
    assert train_tokenizer(TEXTS, 400).get_vocab() == train_tokenizer(iter(TEXTS), 400).get_vocab()


def test_chat_template_knows_roles_and_turns(tokenizer: PreTrainedTokenizerFast) -> None:
    messages = [
        {"role": "system", "content": "be exact"},
        {"role": "user", "content": " 1 + 1?\n"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "2 + 2?"},
    ]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == "<user>be exact<user> 1 + 1?\n<assistant>2<eos><user>2 + 2?<assistant>"
    assert tokenizer.apply_chat_template(messages[:2], tokenize=False) == "<user>be exact<user> 1 + 1?\n"


def test_prompt_and_answer_are_tokens_of_their_own(tokenizer: PreTrainedTokenizerFast) -> None:
    prompt, answer = encode_prompt(tokenizer, "12z?"), encode_answer(tokenizer, "12z")
    assert tokenizer.decode(prompt) == "<user>12z?<assistant>"
    assert tokenizer.decode(answer) == "12z<eos>"
    conversation = [{"role": "user", "content": "12z?"}, {"role": "assistant", "content": "12z"}]
    assert prompt + answer == tokenizer.apply_chat_template(conversation, return_dict=False)


def test_an_answer_that_spells_a_special_token_stays_text(tokenizer: PreTrainedTokenizerFast) -> None:
    tokens = encode_answer(tokenizer, "<eos> ends")
    assert tokens.count(tokenizer.eos_token_id) == 1
    assert decode_answer(tokenizer, tokens) == "<eos> ends"
    assert tokenizer("<eos>")["input_ids"] == [tokenizer.eos_token_id]


def test_saved_beside_a_model_it_loads_as_itself(tmp_path, tokenizer: PreTrainedTokenizerFast) -> None:
    shape = StudentShape(layers=1, hidden=16, heads=2)
    save_model(new_student(shape, tokenizer, 0), tokenizer, tmp_path / "saved")
    loaded = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert loaded.get_vocab() == tokenizer.get_vocab()
    assert (loaded.eos_token, loaded.pad_token) == ("<eos>", "<pad>")
    for text in [*STRANGE, *TEXTS[:2], _everything(3)]:
        assert loaded(text)["input_ids"] == tokenizer(text)["input_ids"]
        assert loaded.decode(loaded(text)["input_ids"]) == text
    assert encode_prompt(loaded, "12z?") == encode_prompt(tokenizer, "12z?")


def test_a_spelling_keeps_units_whole_and_its_marks_out_of_sight(tmp_path: Path) -> None:
    spelling = Spelling(
        unit=r"[1-9][mp\x01\x02]", marks=((r"(?<=[1-9])(?=[1-9]+m)", "\x01"), (r"(?<=[1-9])(?=[1-9]+p)", "\x02"))
    )
    every = ["".join(f"{rank}" for rank in range(1, 10)) + suit for suit in "mp"] + [
        f"{r}{s}" for r in range(1, 10) for s in "mp"
    ]
    train_tokenizer(every, 400, spelling).save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tokens = tokenizer("147m3p", add_special_tokens=False)["input_ids"]
    assert len(tokens) == 4
    assert [tokenizer.decode(tokens[:n]) for n in range(1, 5)] == ["1", "14", "147m", "147m3p"]
    assert tokenizer.decode(tokenizer("wörter 12 x")["input_ids"]) == "wörter 12 x"
