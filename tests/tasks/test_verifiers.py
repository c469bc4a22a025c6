"""The built-in verifiers: what they take for an answer, and what not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stratos.tasks.verifiers import choice, choice_in, exact, number_in, numeric


@pytest.mark.parametrize("completion", ["New York", "  New   York\n", "New\tYork"])
def test_exact_ignores_white_space_only(completion: str) -> None:
    assert exact("", "New York", completion)


@pytest.mark.parametrize("completion", ["new york", "NewYork", "New York.", ""])
def test_exact_is_exact_otherwise(completion: str) -> None:
    assert not exact("", "New York", completion)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234.0", "1234"),
        ("The answer is 42.", "42"),
        ("first 3, then 5", "5"),
        ("#### 72", "72"),
        ("so 3 #### 72\n", "72"),
        (r"\boxed{17} and then 4", "17"),
        (r"\boxed{\frac{3}{4}}", "0.75"),
        (r"\boxed{\text{about }1{,}000}", "1000"),
        ("3/4", "0.75"),
        ("-3", "-3"),
        ("x=-3", "-3"),
        ("\u22127", "-7"),
        ("5-3", "3"),
        ("$1,250.50", "1250.5"),
        ("-$3", "-3"),
        ("50%", "50"),
        ("1e3", "1000"),
        (".5", "0.5"),
        ("1,2,3", "3"),
        ("2 * 3 = 6", "6"),
        ("12345678901234567890123", "12345678901234567890123"),
    ],
)
def test_the_number_that_is_read(text: str, number: str) -> None:
    assert number_in(text) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", "none", "####", "5 ####", "1/0", r"\boxed{}", r"\boxed{", "1e99999999999999999999"]
)
def test_no_number(text: str) -> None:
    assert number_in(text) is None


@pytest.mark.parametrize(
    ("answer", "completion", "right"),
    [
        ("1234", "It is 1,234.0", True),
        ("0.3333333", "1/3", True),
        ("83810205", "83810206", False),
        ("2.5", "2.50001", False),
        ("0", "0.0", True),
        ("0", "0.1", False),
        ("12345678901234567890123", "12345678901234567890124", False),
        ("7", "9" * 50_000, False),
        ("7", "1e999999", False),
        ("7.5", "1e999999", False),
    ],
)
def test_whole_numbers_are_compared_exactly_and_others_closely(answer: str, completion: str, right: bool) -> None:
    assert numeric("", answer, completion) is right


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        ("(c).", "C"),
        ("**D**", "D"),
        ("Answer: B", "B"),
        ("The answer is (C) because A is wrong", "C"),
        ("Answer: A? No. Answer: D", "D"),
        ("answer is b.", "B"),
        (r"thus \boxed{E}", "E"),
        ("A cat sat; I think (B) holds", "B"),
        ("I think it is B", "B"),
        ("B) because", "B"),
        ("Between B and C", "B"),
        ("J", "J"),
    ],
)
def test_the_choice_that_is_read(text: str, letter: str) -> None:
    assert choice_in(text) == letter
    assert choice("", letter, text)
    assert not choice("", "G", text)


@pytest.mark.parametrize("text", ["", "K", "none of them", "ABC", "A cat", "I know"])
def test_no_choice(text: str) -> None:
    assert choice_in(text) is None
    assert not choice("", "A", text)


def test_long_nonsense_is_judged_quickly_and_wrong() -> None:
    for nonsense in ("(" * 20_000, "1," * 20_000, "answer " * 5_000, "*" * 20_000, "\\frac{" * 5_000, " \n" * 10_000):
        assert not choice("", "A", nonsense)
        assert not numeric("", "7", nonsense)
