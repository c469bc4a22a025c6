"""What the planner chooses among: offers of machines, and the cards of models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stratos.spec.model import Frozen


class Offer(Frozen):
    """One machine that can be rented, or this one."""

    id: str = Field(description="provider/region/instance, with /spot behind it for a spot offer.")
    provider: str
    region: str
    instance: str
    price_usd_per_hour: float = Field(ge=0)
    spot: bool = False
    cpus: int = Field(ge=1)
    memory_gib: float = Field(gt=0)
    gpu: str | None = None
    gpu_count: int = Field(0, ge=0)
    gpu_memory_gib: float = Field(0.0, ge=0, description="Of one GPU.")
    compute_tflops: float = Field(gt=0, description="Peak dense rate of the whole machine at the precision used.")
    memory_bandwidth_gb_per_s: float = Field(gt=0, description="Of one GPU, or of this machine's memory.")
    as_of: str = Field(description="Date of the price, or of the measurement.")
    source: str = Field("", description="Where price and peaks come from.")


class ModelCard(Frozen):
    """A transformer's shape: what its memory, speed and capacity are predicted from."""

    name: str
    params: int = Field(gt=0)
    layers: int = Field(gt=0)
    hidden: int = Field(gt=0)
    heads: int = Field(gt=0)
    kv_heads: int = Field(gt=0)
    head_size: int = Field(gt=0)
    intermediate: int = Field(gt=0)
    vocab_size: int = Field(gt=0)
    context: int = Field(gt=0)
    origin: Literal["pretrained", "scratch"]
    source: str = Field(description="What was read: config.json, a GGUF header, a spec's shape, a shipped card.")
