"""Tokenizers trained on a task: byte-level BPE with digits apart, and a chat template of two roles."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from stratos.tasks.base import Spelling

PAD, EOS, USER, ASSISTANT = SPECIALS = ("<pad>", "<eos>", "<user>", "<assistant>")
LARGEST_WITHOUT_MERGES = 320

_CHAT_TEMPLATE = """
{%- for message in messages -%}
{%- if message['role'] == 'assistant' -%}
{{ '<assistant>' + message['content'] + '<eos>' }}
{%- else -%}
{{ '<user>' + message['content'] }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<assistant>' }}
{%- endif -%}
"""


def train_tokenizer(texts: Iterable[str], vocab_size: int, spelling: Spelling | None = None) -> PreTrainedTokenizerFast:
    """A tokenizer of at most `vocab_size` tokens: 4 special ones, 256 bytes, and merges learnt from `texts`.

    No text is unknown to it. Up to a size of 320 it learns no merges, so that every byte is a token; past that, merges
    never join a digit to anything, or, where the task says how it is spelt, never cross the units of its spelling.
    """
    learns = vocab_size > LARGEST_WITHOUT_MERGES
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer = Tokenizer(models.BPE())
    if spelling is None:
        units: pre_tokenizers.PreTokenizer = pre_tokenizers.Digits(individual_digits=True)
        tokenizer.decoder = decoders.ByteLevel()
    else:
        units = pre_tokenizers.Split(Regex(spelling.unit), "isolated")
        _mark(tokenizer, spelling)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [units, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=spelling is None)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size if learns else len(SPECIALS) + len(alphabet),
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in SPECIALS],
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts if learns else (), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        additional_special_tokens=[USER, ASSISTANT],
        chat_template=_CHAT_TEMPLATE.replace("\n", ""),
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )


def _mark(tokenizer: Tokenizer, spelling: Spelling) -> None:
    """Puts the spelling's marks in before tokenising and leaves them out when decoding."""
    replacements = [normalizers.Replace(Regex(place), mark) for place, mark in spelling.marks]
    tokenizer.normalizer = normalizers.Sequence(replacements)
    marks = "".join(re.escape(mark) for _, mark in spelling.marks)
    hidden = [decoders.Replace(Regex(f"[{marks}]"), "")] if marks else []
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), *hidden])
