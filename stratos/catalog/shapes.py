"""How many parameters a transformer of a given shape has, to the last one."""

from __future__ import annotations

from dataclasses import dataclass

from stratos.spec.model import StudentShape


@dataclass(frozen=True)
class Family:
    """What sets one architecture's parameter count apart from another's of the same shape."""

    gated_mlp: bool = True
    norms: int = 2  # a layer
    norm_bias: bool = False
    query_key_norms: bool = False
    qkv_bias: bool = False
    output_bias: bool = False
    mlp_bias: bool = False
    head_bias: bool = False
    learned_positions: bool = False
    tied: bool = False


FAMILIES = {
    "llama": Family(),
    "mistral": Family(),
    "smollm3": Family(tied=True),
    "phi3": Family(),
    "qwen2": Family(qkv_bias=True),
    "qwen3": Family(query_key_norms=True),
    "gemma": Family(tied=True),
    "gemma2": Family(norms=4, tied=True),
    "gemma3_text": Family(norms=4, query_key_norms=True, tied=True),
    "phi": Family(
        gated_mlp=False, norms=1, norm_bias=True, qkv_bias=True, output_bias=True, mlp_bias=True, head_bias=True
    ),
    "gpt2": Family(
        gated_mlp=False,
        norm_bias=True,
        qkv_bias=True,
        output_bias=True,
        mlp_bias=True,
        learned_positions=True,
        tied=True,
    ),
}


@dataclass(frozen=True)
class Shape:
    """The sizes that a parameter count follows from."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    intermediate: int
    vocab_size: int
    context: int


def parameters(shape: Shape, family: Family, *, tied: bool) -> int:
    """Embeddings, layers, last norm and, unless tied, the head."""
    norm = shape.hidden * (2 if family.norm_bias else 1)
    layer = _attention(shape, family) + _mlp(shape, family) + family.norms * norm
    embeddings = shape.vocab_size * shape.hidden * (1 if tied else 2)
    positions = shape.context * shape.hidden if family.learned_positions else 0
    head_bias = shape.vocab_size if family.head_bias else 0
    return embeddings + positions + shape.layers * layer + norm + head_bias


def student_shape(shape: StudentShape) -> Shape:
    """The sizes of a from-scratch student, whose vocabulary is as large as its tokenizer may become."""
    return Shape(
        layers=shape.layers,
        hidden=shape.hidden,
        heads=shape.heads,
        kv_heads=shape.kv_heads or shape.heads,
        head_size=shape.hidden // shape.heads,
        intermediate=intermediate_size(shape),
        vocab_size=shape.vocab_size,
        context=shape.context,
    )


def intermediate_size(shape: StudentShape) -> int:
    """Width of the MLP: as given, or 8/3 of hidden, rounded up to a multiple of 8."""
    return shape.intermediate or -(-shape.hidden // 3) * 8


def _attention(shape: Shape, family: Family) -> int:
    queries, keys = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    weights = shape.hidden * (queries + 2 * keys) + queries * shape.hidden
    biases = (queries + 2 * keys if family.qkv_bias else 0) + (shape.hidden if family.output_bias else 0)
    return weights + biases + (2 * shape.head_size if family.query_key_norms else 0)


def _mlp(shape: Shape, family: Family) -> int:
    matrices = 3 if family.gated_mlp else 2
    inner = matrices - 1
    biases = inner * shape.intermediate + shape.hidden if family.mlp_bias else 0
    return matrices * shape.hidden * shape.intermediate + biases
