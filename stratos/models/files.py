"""Loading through transformers, quietly, with its errors translated: the only place that calls from_pretrained."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import HfApi
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from stratos.errors import IntegrityError, StratosError

_HUB_PATIENCE_S = 10
Loaded = tuple[PreTrainedModel, PreTrainedTokenizerBase]


def load_folder(folder: Path, dtype: torch.dtype) -> Loaded:
    """A folder written by save_pretrained. Raises StratosError, or IntegrityError for damaged weights."""
    hint = "the folder needs config.json, *.safetensors and tokenizer.json, as save_pretrained writes them"
    with translated(str(folder), hint):
        return _load(str(folder), dtype, local_files_only=True)


def load_hub(name: str, dtype: torch.dtype) -> Loaded:
    """A hub model: what the cache of this machine holds, else downloaded. Raises StratosError."""
    hint = f"run `hf download {name}` where there is a network, or give a folder"
    with translated(name, hint):
        try:
            return _load(name, dtype, local_files_only=True)
        except OSError:
            _reach_hub(name, hint)
            return _load(name, dtype, local_files_only=False)


@contextmanager
def translated(source: str, hint: str) -> Iterator[None]:
    """What transformers raises, as errors of Stratos; and its progress bars silent where nobody watches."""
    transformers.utils.logging.set_verbosity_error()
    if not sys.stderr.isatty():
        transformers.utils.logging.disable_progress_bar()
    try:
        yield
    except StratosError:
        raise
    except SafetensorError as error:
        raise IntegrityError(f"{source}: its weights are damaged: {error}", hint="copy or download it again") from error
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise StratosError(f"{source}: the model cannot be loaded: {first}", hint=hint) from error


def _reach_hub(name: str, hint: str) -> None:
    """Fails at once where a download would try for a minute, whatever the HTTP library below it raises."""
    try:
        HfApi().model_info(name, timeout=_HUB_PATIENCE_S)
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        raise StratosError(
            f"{name}: not on this machine, and not to be had from the hub: {first}", hint=hint
        ) from error


def _load(place: str, dtype: torch.dtype, *, local_files_only: bool) -> Loaded:
    safe: dict[str, Any] = {"trust_remote_code": False, "local_files_only": local_files_only}
    tokenizer = AutoTokenizer.from_pretrained(place, **safe)
    if tokenizer.eos_token_id is None:
        raise ValueError("its tokenizer has no token that ends an answer")
    model = AutoModelForCausalLM.from_pretrained(place, dtype=dtype, use_safetensors=True, **safe)
    return model.eval(), tokenizer
