"""Offers of every target: clouds from price files, this machine by measurement."""

from __future__ import annotations

import difflib
import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stratos.catalog.hardware import CPU_SOURCE, cpu_bandwidth_gb_per_s, cpu_compute_tflops, gpu_peaks
from stratos.catalog.local import local_offer
from stratos.catalog.prices import Origin, read_prices
from stratos.catalog.types import Offer
from stratos.errors import SpecError
from stratos.spec.model import CloudTarget, LocalTarget, Target

if TYPE_CHECKING:
    from gpuhunt import CatalogItem

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Survey:
    """The offers, and what the user should know about them: what was left out and why."""

    offers: tuple[Offer, ...]
    notes: tuple[str, ...]


def offers(targets: Sequence[Target]) -> list[Offer]:
    """As `survey`, with its notes logged. Raises SpecError."""
    found = survey(targets)
    for note in found.notes:
        _log.warning(note)
    return list(found.offers)


def survey(targets: Sequence[Target]) -> Survey:
    """One offer a row of each target's prices; this machine measured once. An offer of two targets comes once.

    Raises SpecError for a region or GPU that the provider does not have, a wrong price file, or two local targets that
    differ in price alone.
    """
    by_id: dict[str, Offer] = {}
    notes: list[str] = []
    for target in targets:
        found = _local(target) if isinstance(target, LocalTarget) else _cloud(target)
        notes += found.notes
        for offer in found.offers:
            if by_id.setdefault(offer.id, offer).price_usd_per_hour != offer.price_usd_per_hour:
                raise SpecError(f"targets: {offer.id} has two prices", hint="keep one, or give each its own threads")
    return Survey(tuple(by_id.values()), tuple(dict.fromkeys(notes)))


def _local(target: LocalTarget) -> Survey:
    offer = local_offer(target)
    if target.threads and target.threads > offer.cpus:
        return Survey((offer,), (f"local: {target.threads} threads share {offer.cpus} CPUs of this machine",))
    return Survey((offer,), ())


def _cloud(target: CloudTarget) -> Survey:
    prices = read_prices(target.provider)
    chosen = _matching(target, prices.items)
    made = [(item, _offer(item, prices.origin)) for item in chosen]
    unknown = Counter(f"{item.gpu_name} {item.gpu_memory:g} GiB" for item, offer in made if offer is None)
    notes = []
    if not chosen:
        notes.append(f"{target.provider}: no offer fits this target's regions, gpus and spot together")
    if unknown:
        which = ", ".join(f"{name} ({count})" for name, count in sorted(unknown.items()))
        notes.append(f"{target.provider}: {unknown.total()} offers left out, peaks not known: {which}")
    return Survey(tuple(_cheapest(offer for _, offer in made if offer is not None)), tuple(notes))


def _matching(target: CloudTarget, items: Sequence[CatalogItem]) -> list[CatalogItem]:
    regions = {item.location for item in items}
    names = {str(item.gpu_name) for item in items if item.gpu_count}
    aliases = {alias for item in items for alias in _aliases(item)}
    for region in target.regions:
        if region not in regions:
            raise _unknown(target.provider, "region", region, regions)
    for gpu in target.gpus:
        if _plain(gpu) not in aliases:
            raise _unknown(target.provider, "GPU", gpu, names)
    wanted = {_plain(gpu) for gpu in target.gpus}
    return [
        item
        for item in items
        if (not target.regions or item.location in target.regions)
        and (not wanted or wanted & _aliases(item))
        and (target.spot is None or item.spot == target.spot)
    ]


def _aliases(item: CatalogItem) -> set[str]:
    """The ways to write a GPU: A100, A100-80, A100-80GB."""
    if not item.gpu_count:
        return set()
    name, memory = _plain(str(item.gpu_name)), f"{item.gpu_memory:g}"
    return {name, name + memory, f"{name}{memory}gb"}


def _plain(gpu: str) -> str:
    return re.sub(r"[^a-z0-9]", "", gpu.casefold())


def _unknown(provider: str, what: str, value: str, known: Iterable[str]) -> SpecError:
    by_lower = {name.casefold(): name for name in sorted(known)}
    near = difflib.get_close_matches(value.casefold(), by_lower, n=1)
    some = ", ".join(list(by_lower.values())[:12])
    hint = f"did you mean {by_lower[near[0]]!r}?" if near else f"it has: {some or 'none'}"
    return SpecError(f"targets: {provider} has no {what} {value!r} in this catalogue", hint=hint)


def _cheapest(found: Iterable[Offer]) -> list[Offer]:
    """One offer an id: a machine that is listed twice counts at its lowest price."""
    best: dict[str, Offer] = {}
    for offer in found:
        if offer.id not in best or offer.price_usd_per_hour < best[offer.id].price_usd_per_hour:
            best[offer.id] = offer
    return list(best.values())


def _offer(item: CatalogItem, origin: Origin) -> Offer | None:
    """None where the GPU's peaks are not known."""
    peaks = gpu_peaks(str(item.gpu_name), item.gpu_memory or 0.0, item.instance_name) if item.gpu_count else None
    if item.gpu_count and peaks is None:
        return None
    dated = f"{origin.source} ({origin.dated} {origin.as_of})"
    return Offer(
        id=f"{item.provider}/{item.location}/{item.instance_name}" + ("/spot" if item.spot else ""),
        provider=item.provider,
        region=item.location,
        instance=item.instance_name,
        price_usd_per_hour=item.price,
        spot=item.spot,
        cpus=item.cpu,
        memory_gib=item.memory,
        gpu=item.gpu_name if peaks else None,
        gpu_count=item.gpu_count,
        gpu_memory_gib=(item.gpu_memory or 0.0) if peaks else 0.0,
        compute_tflops=peaks.compute_tflops * item.gpu_count if peaks else cpu_compute_tflops(item.cpu),
        memory_bandwidth_gb_per_s=peaks.memory_bandwidth_gb_per_s if peaks else cpu_bandwidth_gb_per_s(item.cpu),
        as_of=origin.as_of.isoformat(),
        source=f"price: {dated}; " + (f"peaks: {peaks.source}" if peaks else CPU_SOURCE),
    )
