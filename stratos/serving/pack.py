"""Packs an artifact as a Bento: BentoML's own build, in a process and a store of its own, kept only when whole."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from stratos.errors import IntegrityError, StratosError
from stratos.home import resource
from stratos.job.artifact import verify_artifact

NAME = "stratos-student"
PINNED = ("safetensors", "starlette", "tokenizers", "torch", "transformers")
_INSTALL = "install what serving needs: pip install 'stratos-distill[serve]'"


def pack(artifact: Path, out: Path) -> Path:
    """The Bento's folder, `out`/bentos/stratos-student/VERSION, so that `out` is a BentoML store.

    The version follows from the artifact, the service's code and the pinned packages: the same input gives the same
    Bento, which is built once. Raises IntegrityError where the artifact is not as its manifest says, and StratosError
    where the build fails.
    """
    verify_artifact(artifact)
    pins = _pins()
    version = _version(artifact, pins)
    bento = out / "bentos" / NAME / version
    if _is_whole(bento):
        return bento
    shutil.rmtree(bento, ignore_errors=True)
    bento.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=out) as scratch:
        context = _context(Path(scratch) / "context", artifact, pins)
        built = _build(context, Path(scratch) / "store", version)
        os.replace(built, bento)
    return bento


def _pins() -> list[str]:
    """The versions that are installed here, with which the student was measured, as requirements."""
    try:
        versions = {name: importlib.metadata.version(name) for name in (*PINNED, "bentoml")}
    except importlib.metadata.PackageNotFoundError as error:
        raise StratosError(f"{error.name} is not installed", hint=_INSTALL) from error
    return [f"{name}=={versions[name].partition('+')[0]}" for name in PINNED]


def _version(artifact: Path, pins: list[str]) -> str:
    digest = hashlib.sha256((artifact / "manifest.json").read_bytes() + "\n".join(pins).encode())
    for source in _sources():
        digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> list[Path]:
    folder = resource("bentos") / "student"
    return [folder / "bentofile.yaml", *sorted(folder.glob("*.py"))]


def _is_whole(bento: Path) -> bool:
    try:
        verify_artifact(bento / "src" / "artifact")
    except IntegrityError:
        return False
    return (bento / "bento.yaml").is_file()


def _context(context: Path, artifact: Path, pins: list[str]) -> Path:
    """The folder that BentoML builds from: the service's code, the artifact's files as links, the bentofile."""
    (context / "student").mkdir(parents=True)
    bentofile, *code = _sources()
    content = yaml.safe_load(bentofile.read_text())
    content["python"]["packages"] = pins
    (context / "bentofile.yaml").write_text(yaml.safe_dump(content))
    for source in code:
        shutil.copy(source, context / "student")
    shutil.copytree(artifact, context / "artifact", copy_function=_link)
    return context


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _build(context: Path, store: Path, version: str) -> Path:
    environment = os.environ | {"BENTOML_HOME": str(store), "BENTOML_DO_NOT_TRACK": "True"}
    # The file is named, because BentoML looks for none below a hidden folder such as ~/.stratos.
    names = ["--bentofile", str(context / "bentofile.yaml"), "--version", version]
    command = [sys.executable, "-m", "bentoml", "build", str(context), *names, "--output", "tag"]
    built = subprocess.run(command, cwd=context, env=environment, capture_output=True, text=True)
    bento = store / "bentos" / NAME / version
    if built.returncode or not bento.is_dir():
        reason = (built.stderr.strip() or built.stdout.strip() or "no reason given").splitlines()[-1]
        raise StratosError(f"BentoML could not pack the student: {reason}", hint=_INSTALL)
    return bento
