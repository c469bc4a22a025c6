"""Whether a completion answers a prompt: exact, numeric, choice."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Context, Decimal

Verifier = Callable[[str, str, str], bool]
"""Of prompt, right answer and completion. Never raises."""

_RELATIVE_TOLERANCE = Decimal("1e-6")
_CONTEXT = Context(prec=50)
_SPACING = re.compile(r"\\[,!; ]|\{,\}(?=[0-9])|(?<=[0-9])[\u00a0\u202f](?=[0-9])")
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}")
_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+"
_NUMBER = re.compile(rf"((?<![\w).])[-+\u2212])?\s?[$€£]?(?<![0-9])({_DIGITS})(?:\s*/\s*({_DIGITS}))?")
_LETTER = r"[\s*_\"'(\[{]*([A-Ja-j])(?=[\s*_\"')\]}]*(?:[.,;:!?)]|\n|$))"
_CHOICES = (
    re.compile(rf"\A{_LETTER}[\s*_\"')\]}}.,;:!?]*\Z"),
    re.compile(r"\\boxed\{\s*(?:\\text\{)?\s*\(?([A-J])\)?\s*\}"),
    re.compile(rf"(?i:\banswer\b(?:\s+is)?)\s*[:=]?{_LETTER}"),
    re.compile(r"(?i:\banswer\b(?:\s+is)?)\s*[:=]?[\s*_\"'(\[{]*([A-J])(?![\w'])"),
    re.compile(r"[(\[]([A-J])[)\]]"),
    re.compile(r"(?m)^[ \t]*[*_]*([A-J])[*_]*[).:]"),
    re.compile(r"(?<![\w'])([B-HJ]|[AI](?!\s[a-z]))(?![\w'])"),
)
_LAST_COUNTS = 4  # of the forms in _CHOICES, so many state a final answer: the last one holds


def exact(_prompt: str, answer: str, completion: str) -> bool:
    """The same text; white space at the ends goes, other runs of it count as one space. Case counts."""
    return completion.split() == answer.split()


def numeric(_prompt: str, answer: str, completion: str) -> bool:
    """The same number, read from each by `number_in`: whole numbers exactly, others within 1e-6 of the answer."""
    expected, given = number_in(answer), number_in(completion)
    if expected is None or given is None:
        return False
    if _is_whole(expected) and _is_whole(given):
        return expected == given
    try:
        return abs(_CONTEXT.subtract(given, expected)) <= _CONTEXT.multiply(abs(expected), _RELATIVE_TOLERANCE)
    except ArithmeticError:
        return False


def choice(_prompt: str, answer: str, completion: str) -> bool:
    """The same letter, A to J, read from each by `choice_in`."""
    expected = choice_in(answer)
    return expected is not None and choice_in(completion) == expected


BUILT_IN: dict[str, Verifier] = {"exact": exact, "numeric": numeric, "choice": choice}


def number_in(text: str) -> Decimal | None:
    r"""The last number behind the last ####, else in the last \boxed{}, else in the text; None where there is none.

    Thousands separators (1,234), fractions (3/4, \frac{3}{4}) and exponents (1e3) are read; currency and percent signs
    are not: 50% is 50.
    """
    plain = _FRACTION.sub(r"\1/\2", _SPACING.sub("", _final_part(text)))
    found = None
    for found in _NUMBER.finditer(plain):  # noqa: B007
        pass
    if found is None:
        return None
    sign, numerator, denominator = found.groups()
    try:
        value = Decimal(numerator.replace(",", ""))
        if denominator is not None:
            value = _CONTEXT.divide(value, Decimal(denominator.replace(",", "")))
    except ArithmeticError:
        return None
    return -value if sign in ("-", "\u2212") else value


def choice_in(text: str) -> str | None:
    r"""The letter of the choice, as a capital: the whole text (b, "(B)", "B."), else the last \boxed{B}, else the last
    "answer: B" or "answer is B", else the first (B), else the first line that opens with "B)", else the first capital
    that stands alone, unless it is A or I before a small letter (which are words).
    """
    for place, form in enumerate(_CHOICES):
        letters: list[str] = form.findall(text)
        if letters:
            return (letters[-1] if place < _LAST_COUNTS else letters[0]).upper()
    return None


def _final_part(text: str) -> str:
    _, mark, behind = text.rpartition("####")
    if mark:
        return behind
    _, box, behind = text.rpartition("\\boxed{")
    return _up_to_closing_brace(behind) if box else text


def _up_to_closing_brace(text: str) -> str:
    depth = 1
    for at, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[:at]
    return text


def _is_whole(value: Decimal) -> bool:
    return value == value.to_integral_value()
