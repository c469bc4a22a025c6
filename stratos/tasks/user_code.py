"""Functions that the user names as module:function: found, called, and held to what they promise."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from stratos.errors import SpecError, StratosError
from stratos.tasks.verifiers import Verifier


def load_function(path: str, beside: Path) -> Callable[..., Any]:
    """The function `module:function`.

    A module that is one file is looked for in the folder `beside` (the held-out file's), then in the current directory;
    any other is imported from sys.path, to whose end both folders are added. Raises SpecError where there is none,
    where importing it fails, or where it has no such function.
    """
    module_name, _, name = path.partition(":")
    folders = list(dict.fromkeys((beside.resolve(), Path.cwd())))
    module = _module(module_name, folders)
    function = getattr(module, name, None)
    if not callable(function):
        raise SpecError(
            f"{path}: {module.__file__ or module_name} has no function {name!r}",
            hint=f"Define `def {name}(...)` there, or name another function in the task.",
        )
    return function  # type: ignore[no-any-return]


def user_verifier(path: str, beside: Path) -> Verifier:
    """The user's (prompt, answer, completion) -> bool, as a verifier.

    Where the function raises on a completion but can judge the right answer, the completion is merely strange, and
    wrong. Where it raises on the right answer too, or gives neither True nor False, it raises StratosError.
    """
    function = load_function(path, beside)

    def verify(prompt: str, answer: str, completion: str) -> bool:
        try:
            verdict = function(prompt, answer, completion)
        except Exception as error:
            if completion == answer:
                raise _broken(path, prompt, answer, completion, f"raised {_told(error)}") from error
            verify(prompt, answer, answer)
            return False
        if not _is_bool(verdict):
            raise _broken(path, prompt, answer, completion, f"returned {verdict!r:.80}, neither True nor False")
        return bool(verdict)

    return verify


def user_synthesiser(path: str, beside: Path) -> Callable[[random.Random], object]:
    """The user's (random.Random) -> example, still to be validated. Raises StratosError where the function does."""
    function = load_function(path, beside)

    def synthesise(rng: random.Random) -> object:
        try:
            return function(rng)
        except Exception as error:
            raise StratosError(
                f"synthesiser {path} raised {_told(error)}",
                hint="It is called with one random.Random and returns a dict with prompt and answer.",
            ) from error

    return synthesise


def _module(name: str, folders: Sequence[Path]) -> ModuleType:
    for folder in folders:
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    try:
        for folder in folders:
            if (folder / f"{name}.py").is_file():
                return _module_of_file(folder / f"{name}.py")
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            where = ", ".join(map(str, folders))
            raise SpecError(
                f"there is no module {name!r} in {where} or on sys.path",
                hint=f"Put {name.replace('.', '/')}.py beside the held_out file, or run from its folder.",
            ) from error
        raise SpecError(f"importing {name!r} raised {_told(error)}", hint="Install what it imports.") from error
    except (Exception, SystemExit) as error:
        raise SpecError(f"importing {name!r} raised {_told(error)}", hint="Mend the module and try again.") from error


def _module_of_file(file: Path) -> ModuleType:
    """The module in `file`, under a name of its own: it shadows none, and equal names in two folders do not clash."""
    unique = f"stratos_user_{hashlib.sha256(str(file).encode()).hexdigest()[:16]}_{file.stem}"
    if unique in sys.modules:
        return sys.modules[unique]
    spec = importlib.util.spec_from_file_location(unique, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[unique] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[unique]
        raise
    return module


def _is_bool(verdict: object) -> bool:
    """True, False, their NumPy kin, and the numbers 1 and 0; a score between them is no verdict."""
    try:
        return bool(verdict == True) or bool(verdict == False)  # noqa: E712
    except Exception:
        return False


def _broken(path: str, prompt: str, answer: str, completion: str, what: str) -> StratosError:
    return StratosError(
        f"verifier {path} {what} for prompt {prompt[:80]!r}, answer {answer[:80]!r}, completion {completion[:80]!r}",
        hint="It is called with (prompt, answer, completion) and returns True or False for every completion.",
    )


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
