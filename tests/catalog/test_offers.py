"""Offers of clouds: the shipped snapshot, filters, and price files of one's own, good and bad."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import pytest

from stratos.catalog.offers import offers, survey
from stratos.catalog.prices import SNAPSHOT
from stratos.catalog.types import Offer
from stratos.errors import SpecError
from stratos.spec.model import CloudTarget, LocalTarget

HEADER = (
    "instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size,gpu_vendor,flags,"
    "cpu_arch,provider_data"
)
GOOD = "box,mars-1,1.5,8,32.0,1,L4,24.0,False,,nvidia,,x86,{}"
PROVIDERS = get_args(CloudTarget.model_fields["provider"].annotation)


@pytest.fixture(autouse=True)
def _shipped_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STRATOS_CATALOG_DIR", raising=False)
    monkeypatch.delenv("GPUHUNT_CATALOG_DIR", raising=False)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STRATOS_CATALOG_DIR", str(tmp_path))
    return tmp_path


def cloud(provider: str, **filters: object) -> list[Offer]:
    return offers([CloudTarget.model_validate({"provider": provider, **filters})])


def rows(provider: str) -> int:
    return len((SNAPSHOT / f"{provider}.csv").read_text().splitlines()) - 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_has_dated_offers_with_unique_ids(provider: str) -> None:
    found = cloud(provider)
    assert 0 < len(found) <= rows(provider)
    assert {offer.provider for offer in found} == {provider}
    assert len({offer.id for offer in found}) == len(found)
    assert all("2025" <= offer.as_of < "2027" and offer.source for offer in found)


def test_every_row_is_an_offer_or_counted_in_a_note() -> None:
    found = survey([CloudTarget(provider=provider) for provider in PROVIDERS])
    left_out = sum(int(note.split(": ")[1].split()[0]) for note in found.notes)
    assert len(found.offers) + left_out == sum(rows(provider) for provider in PROVIDERS)
    assert any("H100NVL" in note for note in found.notes)


def test_a_row_becomes_an_offer_to_the_digit() -> None:
    (offer,) = [o for o in cloud("gcp", regions=["us-central1"], spot=True) if o.instance == "g2-standard-4"]
    assert offer.id == "gcp/us-central1/g2-standard-4/spot"
    assert (offer.price_usd_per_hour, offer.cpus, offer.memory_gib) == (0.281836, 4, 16.0)
    assert (offer.gpu, offer.gpu_count, offer.gpu_memory_gib) == ("L4", 1, 24.0)
    assert (offer.compute_tflops, offer.memory_bandwidth_gb_per_s) == (121.0, 300.0)


def test_compute_is_of_all_gpus_and_bandwidth_of_one() -> None:
    offer = next(o for o in cloud("aws", gpus=["H200"]) if o.gpu_count == 8)
    assert (offer.compute_tflops, offer.memory_bandwidth_gb_per_s) == (8 * 989.0, 4800.0)


def test_instances_tell_pcie_from_sxm() -> None:
    found = {o.instance: o.compute_tflops / o.gpu_count for o in cloud("lambdalabs", gpus=["h100"])}
    assert (found["gpu_1x_h100_pcie"], found["gpu_1x_h100_sxm5"]) == (756, 989)
    bandwidths = {o.instance: o.memory_bandwidth_gb_per_s for o in cloud("runpod", gpus=["A100"])}
    assert (bandwidths["1x_A100-80GB_SECURE"], bandwidths["1x_A100-80GB-SXM_SECURE"]) == (1935, 2039)


def test_machines_without_gpu_have_peaks_that_grow_with_their_cpus() -> None:
    by_cpus = {o.cpus: o for o in cloud("nebius") if o.gpu is None}
    assert by_cpus[8].gpu_count == 0
    assert by_cpus[16].compute_tflops == pytest.approx(2 * by_cpus[8].compute_tflops)
    assert by_cpus[16].memory_bandwidth_gb_per_s == pytest.approx(2 * by_cpus[8].memory_bandwidth_gb_per_s)


@pytest.mark.parametrize(("spot", "expected"), [(True, {True}), (False, {False}), (None, {True, False})])
def test_spot_is_asked_for_refused_or_both(spot: bool | None, expected: set[bool]) -> None:
    assert {offer.spot for offer in cloud("aws", spot=spot)} == expected


def test_gpus_are_written_as_one_likes_and_told_apart_by_memory() -> None:
    assert {o.gpu_memory_gib for o in cloud("gcp", gpus=["a100"])} == {40.0, 80.0}
    assert {o.gpu_memory_gib for o in cloud("gcp", gpus=["A100-80GB"])} == {80.0}


@pytest.mark.parametrize(
    ("filters", "meant"), [({"regions": ["us-central"]}, "us-central1"), ({"gpus": ["A1000"]}, "A100")]
)
def test_what_a_provider_does_not_have_is_named_with_what_was_meant(filters: dict[str, object], meant: str) -> None:
    with pytest.raises(SpecError) as caught:
        cloud("gcp", **filters)
    assert "gcp" in str(caught.value)
    assert meant in caught.value.hint


def test_filters_that_exclude_each_other_leave_a_note() -> None:
    found = survey([CloudTarget(provider="azure", spot=True)])
    assert found.offers == ()
    assert "azure" in found.notes[0]


def test_targets_that_overlap_give_each_offer_once() -> None:
    twice = offers([CloudTarget(provider="oci"), CloudTarget(provider="oci", gpus=("A10",))])
    assert twice == cloud("oci")


def test_own_prices_replace_the_snapshot_and_are_dated_by_the_file(own: Path) -> None:
    (own / "aws.csv").write_text(f"{HEADER}\n{GOOD}\n")
    os.utime(own / "aws.csv", (1_700_000_000, 1_700_000_000))
    (offer,) = cloud("aws")
    assert (offer.id, offer.price_usd_per_hour, offer.as_of) == ("aws/mars-1/box", 1.5, "2023-11-14")
    assert os.environ.get("GPUHUNT_CATALOG_DIR") is None


def test_own_prices_may_bring_their_dates(own: Path) -> None:
    (own / "aws.csv").write_text(f"{HEADER}\n{GOOD}\n")
    (own / "snapshot.yaml").write_text(
        'read_on: 2026-01-02\nproviders:\n  aws: {as_of: "2026-01-01", source: our contract}\n'
    )
    (offer,) = cloud("aws")
    assert offer.as_of == "2026-01-01"
    assert "our contract" in offer.source


def test_gpuhunts_own_variable_works_and_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUHUNT_CATALOG_DIR", str(tmp_path))
    (tmp_path / "gcp.csv").write_text(f"{HEADER}\n{GOOD}\n")
    assert len(cloud("gcp")) == 1
    assert os.environ["GPUHUNT_CATALOG_DIR"] == str(tmp_path)


def test_a_gpu_without_known_peaks_is_left_out_and_counted(own: Path) -> None:
    (own / "aws.csv").write_text(f"{HEADER}\n{GOOD}\n{GOOD.replace('L4,24.0', 'Z9,24.0')}\n")
    found = survey([CloudTarget(provider="aws")])
    assert [offer.gpu for offer in found.offers] == ["L4"]
    assert found.notes == ("aws: 1 offers left out, peaks not known: Z9 24 GiB (1)",)


def test_a_machine_listed_twice_counts_at_its_lowest_price(own: Path) -> None:
    (own / "aws.csv").write_text(f"{HEADER}\n{GOOD}\n{GOOD.replace('1.5', '1.2')}\n")
    assert [offer.price_usd_per_hour for offer in cloud("aws")] == [1.2]


def test_a_file_with_no_rows_is_no_error(own: Path) -> None:
    (own / "aws.csv").write_text(f"{HEADER}\n")
    assert cloud("aws") == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (GOOD.replace("1.5", "cheap"), "price is 'cheap'"),
        (GOOD.replace("1.5", "nan"), "price is 'nan'"),
        (GOOD.replace("1.5", "-1"), "price is '-1'"),
        (GOOD.replace("1.5", ""), "price is ''"),
        (GOOD.replace(",8,", ",0,"), "cpu is '0'"),
        (GOOD.replace(",8,", ",4.0,"), "cpu is '4.0'"),
        (GOOD.replace(",8,", f",{'9' * 5000},"), "cpu is"),
        (GOOD.replace("32.0", "inf"), "memory is 'inf'"),
        (GOOD.replace("False", "yes"), "spot is 'yes'"),
        (GOOD.replace("nvidia", "acme"), "gpu_vendor is 'acme'"),
        (GOOD.replace("{}", "[]"), "provider_data is '[]'"),
        (GOOD.replace(",L4,", ",,"), "gpu_name is empty"),
        (GOOD.replace("24.0", ""), "gpu_memory is empty"),
        (GOOD.replace("box", " "), "instance_name is ' '"),
        (GOOD + ",more", "not as many values"),
        ("box,mars-1", "not as many values"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(own: Path, line: str, what: str) -> None:
    (own / "aws.csv").write_text(f"{HEADER}\n{GOOD}\n{line}\n")
    with pytest.raises(SpecError) as caught:
        cloud("aws")
    assert f"{own / 'aws.csv'}:3: {what}" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", ":1: no column 'instance_name'"),
        (f"{HEADER}\n{GOOD}".replace("spot", "sport").encode(), ":1: no column 'spot'"),
        (f"\ufeff{HEADER}\n{GOOD}".encode(), ":1: no column 'instance_name'"),
        (f"{HEADER}\n{GOOD}".replace("box", "bóx").encode("latin-1"), "not a readable CSV"),
        (f"{HEADER}\n{GOOD}".replace("box", "b" * 200_000).encode(), "not a readable CSV"),
    ],
)
def test_a_file_that_is_no_price_file_is_an_error(own: Path, content: bytes, what: str) -> None:
    (own / "aws.csv").write_bytes(content)
    with pytest.raises(SpecError) as caught:
        cloud("aws")
    assert what in str(caught.value)
    assert str(own / "aws.csv") in str(caught.value)


def test_missing_files_and_folders_are_errors(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own / "gcp.csv").write_text(f"{HEADER}\n{GOOD}\n")
    with pytest.raises(SpecError, match=r"aws\.csv") as caught:
        cloud("aws")
    assert "gcp" in caught.value.hint
    monkeypatch.setenv("STRATOS_CATALOG_DIR", str(own / "nowhere"))
    with pytest.raises(SpecError, match="STRATOS_CATALOG_DIR"):
        cloud("gcp")


@pytest.mark.parametrize("dates", ["providers: [", "{read_on: soon, providers: {}}", "{}", "- a"])
def test_a_wrong_dates_file_is_an_error(own: Path, dates: str) -> None:
    (own / "aws.csv").write_text(f"{HEADER}\n{GOOD}\n")
    (own / "snapshot.yaml").write_text(dates)
    with pytest.raises(SpecError, match=r"snapshot\.yaml"):
        cloud("aws")


def test_local_targets_do_not_read_price_files(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATOS_HOME", str(own))
    (offer,) = offers([LocalTarget(provider="local", price_usd_per_hour=0.25, threads=1)])
    assert (offer.provider, offer.price_usd_per_hour) == ("local", 0.25)
    with pytest.raises(SpecError, match="two prices"):
        offers([LocalTarget(provider="local", price_usd_per_hour=p, threads=1) for p in (0.25, 0.5)])
