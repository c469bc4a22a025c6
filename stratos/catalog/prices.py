"""Price files of clouds in gpuhunt's CSV layout: found, checked line by line, and read through gpuhunt offline."""

from __future__ import annotations

import csv
import json
import math
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml
from pydantic import ValidationError

from stratos.errors import SpecError
from stratos.spec.model import Frozen

if TYPE_CHECKING:
    from gpuhunt import CatalogItem

SNAPSHOT = Path(__file__).parent / "snapshot"
DATES = "snapshot.yaml"

_environment = threading.Lock()


class Origin(Frozen):
    """When a provider's prices were true, by whose word, and who published them."""

    as_of: date
    dated: Literal["published", "read"] = "published"
    source: str = ""


class Dates(Frozen):
    """snapshot.yaml."""

    read_on: date
    providers: dict[str, Origin]


@dataclass(frozen=True)
class Prices:
    """Every offer of one provider, as gpuhunt gives it."""

    provider: str
    file: Path
    items: tuple[CatalogItem, ...]
    origin: Origin


def catalog_folder() -> Path:
    """The user's own folder of price files (STRATOS_CATALOG_DIR, GPUHUNT_CATALOG_DIR), or the shipped snapshot.

    Raises SpecError where the variable names no folder.
    """
    for variable in ("STRATOS_CATALOG_DIR", "GPUHUNT_CATALOG_DIR"):
        if not (value := os.environ.get(variable)):
            continue
        folder = Path(value).expanduser()
        if not folder.is_dir():
            raise SpecError(f"{variable}: {value} is not a folder", hint=f"set {variable} to a folder of PROVIDER.csv")
        return folder
    return SNAPSHOT


def read_prices(provider: str) -> Prices:
    """All offers of `provider`. Raises SpecError, with file and line, where its file is missing or wrong."""
    folder = catalog_folder()
    file = folder / f"{provider}.csv"
    if not file.is_file():
        there = ", ".join(sorted(path.stem for path in folder.glob("*.csv"))) or "none"
        raise SpecError(f"{file}: no such price file", hint=f"price files in this folder: {there}")
    count = _check(file)
    items = _read_offline(folder, provider)
    if len(items) != count:
        raise SpecError(
            f"{file}: gpuhunt reads {len(items)} of its {count} rows", hint="see the columns of the snapshot"
        )
    return Prices(provider=provider, file=file, items=items, origin=_origin(file))


def _check(file: Path) -> int:
    """Counts the rows; raises SpecError at the first that is wrong."""
    try:
        with open(file, encoding="utf-8", newline="") as lines:
            return _check_rows(file, csv.DictReader(lines))
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise SpecError(f"{file}: not a readable CSV file: {error}", hint="save it as UTF-8 CSV") from error


def _check_rows(file: Path, reader: csv.DictReader[str]) -> int:
    header = reader.fieldnames or []
    if missing := [name for name in _REQUIRED if name not in header]:
        hint = "the first line must be: " + ",".join([*_REQUIRED, *_OPTIONAL])
        raise SpecError(f"{file}:1: no column {missing[0]!r}", hint=hint)
    count = 0
    for row in reader:
        _check_row(f"{file}:{reader.line_num}", row)
        count += 1
    return count


def _check_row(where: str, row: dict[str, str]) -> None:
    if None in row or None in row.values():
        raise SpecError(f"{where}: not as many values as the first line has columns", hint="quote values with commas")
    for column, (fits, expected) in _REQUIRED.items():
        if not fits(row[column]):
            raise SpecError(f"{where}: {column} is {row[column]!r}", hint=f"{column} must be {expected}")
    for column, (fits, expected) in _OPTIONAL.items():
        if row.get(column) and not fits(row[column]):
            raise SpecError(f"{where}: {column} is {row[column]!r}", hint=f"{column} must be {expected}, or empty")
    for column in ("gpu_name", "gpu_memory"):
        if int(row["gpu_count"]) and not row.get(column):
            raise SpecError(f"{where}: {column} is empty", hint=f"a machine with GPUs needs {column}")


def _number(fits: Callable[[float], bool], kind: Callable[[str], float] = float) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            number = kind(value)
        except ValueError:
            return False
        return math.isfinite(number) and fits(number)

    return check


def _is_object(value: str) -> bool:
    try:
        return isinstance(json.loads(value), dict)
    except ValueError:
        return False


def _is_vendor(value: str) -> bool:
    from gpuhunt import AcceleratorVendor

    try:
        AcceleratorVendor.cast(value)
    except ValueError:
        return False
    return True


_Check = tuple[Callable[[str], bool], str]
_REQUIRED: dict[str, _Check] = {
    "instance_name": (lambda value: bool(value.strip()), "a name"),
    "location": (lambda value: bool(value.strip()), "a region"),
    "price": (_number(lambda number: number >= 0), "US dollars an hour, 0 or more"),
    "cpu": (_number(lambda number: number >= 1, int), "a whole number of CPUs, 1 or more"),
    "memory": (_number(lambda number: number > 0), "GiB, above 0"),
    "gpu_count": (_number(lambda number: number >= 0, int), "a whole number of GPUs, 0 or more"),
    "spot": (lambda value: value.lower() in ("true", "false"), "True or False"),
}
_OPTIONAL: dict[str, _Check] = {
    "gpu_name": (lambda value: bool(value.strip()), "a name"),
    "gpu_memory": (_number(lambda number: number > 0), "GiB of one GPU, above 0"),
    "disk_size": (_number(lambda number: number >= 0), "GiB, 0 or more"),
    "gpu_vendor": (_is_vendor, "a vendor such as nvidia or amd"),
    "cpu_arch": (lambda value: value.lower() in ("x86", "arm"), "x86 or arm"),
    "provider_data": (_is_object, "a JSON object"),
}


def _read_offline(folder: Path, provider: str) -> tuple[CatalogItem, ...]:
    from gpuhunt import Catalog

    with _gpuhunt_reads(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # gpuhunt leaves the file to the garbage collector
        return tuple(Catalog(balance_resources=False, auto_reload=False).query(provider=provider))


@contextmanager
def _gpuhunt_reads(folder: Path) -> Iterator[None]:
    """gpuhunt takes its folder from the environment only."""
    with _environment:
        before = os.environ.get("GPUHUNT_CATALOG_DIR")
        os.environ["GPUHUNT_CATALOG_DIR"] = str(folder)
        try:
            yield
        finally:
            if before is None:
                del os.environ["GPUHUNT_CATALOG_DIR"]
            else:
                os.environ["GPUHUNT_CATALOG_DIR"] = before


def _origin(file: Path) -> Origin:
    dates = file.parent / DATES
    if dates.is_file() and (origin := _dates(dates).providers.get(file.stem)):
        return origin
    changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return Origin(as_of=changed.date(), dated="read", source=str(file))


def _dates(file: Path) -> Dates:
    try:
        return Dates.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error).splitlines()[0]
        raise SpecError(f"{file}: {reason}", hint="give read_on and providers, as the shipped snapshot does") from error
