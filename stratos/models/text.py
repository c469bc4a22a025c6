"""From text to tokens: prompts through the chat template, answers with their end."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase


def encode_prompt(tokenizer: PreTrainedTokenizerBase, prompt: str) -> list[int]:
    """Tokens of one user message, up to where the assistant begins.

    A tokenizer without a chat template gets the bare prompt, with the special tokens that it puts around any text.
    """
    if tokenizer.chat_template is None:
        return [int(token) for token in tokenizer(prompt)["input_ids"]]
    messages = [{"role": "user", "content": prompt}]
    tokens = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)
    return [int(token) for token in tokens]


def encode_answer(tokenizer: PreTrainedTokenizerBase, answer: str) -> list[int]:
    """Tokens of an answer and its end. It is tokenised by itself: the same behind any prompt."""
    tokens = tokenizer(answer, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return [*(int(token) for token in tokens), int(tokenizer.eos_token_id)]


def decode_answer(tokenizer: PreTrainedTokenizerBase, tokens: list[int]) -> str:
    """Text of generated tokens, without special ones."""
    return str(tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))
