"""Tokenizers trained on a task: byte-level BPE with digits apart, and a chat template of two roles."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

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


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """A tokenizer of at most `vocab_size` tokens: 4 special ones, 256 bytes, and merges learnt from `texts`.

    No text is unknown to it. Up to a size of 320 it learns no merges, so that every byte is a token; past that, merges
    never join a digit to anything.
    """
    learns = vocab_size > LARGEST_WITHOUT_MERGES
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
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
