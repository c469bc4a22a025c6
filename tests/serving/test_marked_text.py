"""What is served is what the tokenizer decodes, also where its spelling puts marks into tokens."""

from __future__ import annotations

from bentos.student.text import Vocabulary
from stratos.models.tokenizer import train_tokenizer
from stratos.spec import MahjongTask
from stratos.tasks import load_task


def test_served_text_equals_the_tokenizers_own() -> None:
    task = load_task(MahjongTask(kind="mahjong"))
    examples = task.held_out().validation
    tokenizer = train_tokenizer([text for e in examples for text in (e.prompt, e.answer)], 384, task.spelling)
    vocabulary = Vocabulary(tokenizer)
    for text in [*(example.prompt for example in examples), "147m25p", "wörter \U0001f004 12"]:
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        served = b"".join(map(vocabulary.text_bytes_of, tokens)).decode()
        assert served == tokenizer.decode(tokens) == text
