"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Callable

from stratos.plan.model import Figure


def usd(value: float) -> str:
    """Dollars to two significant digits below ten cents, to the cent up to a thousand, then whole."""
    if abs(value) < 1e-9:
        return "$0"
    if abs(value) < 0.1:
        return f"${float(f'{value:.2g}'):.10f}".rstrip("0")
    return f"${value:,.2f}" if abs(value) < 1000 else f"${value:,.0f}"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def milliseconds(value_ms: float) -> str:
    if value_ms >= 10_000:
        return f"{value_ms / 1000:.1f} s"
    return f"{value_ms:.0f} ms" if value_ms >= 100 else f"{value_ms:.3g} ms"


def duration(seconds: float) -> str:
    """The two largest units that matter: 45 s, 1 min 50 s, 2 h 5 min, 3 d 4 h."""
    whole = round(seconds)
    if whole < 1:
        return f"{seconds:.2g} s"
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    first = next(index for index, (_, size) in enumerate(units) if whole >= size)
    name, size = units[first]
    head = f"{whole // size} {name}"
    if first == len(units) - 1:
        return head
    smaller, smaller_size = units[first + 1]
    rest = whole % size // smaller_size
    return f"{head} {rest} {smaller}" if rest else head


def interval(figure: Figure, show: Callable[[float], str] = percent) -> str:
    """The value with its interval behind it, the interval left out where it has no width."""
    if figure.low == figure.high:
        return show(figure.value)
    return f"{show(figure.value)} ({show(figure.low)} – {show(figure.high)})"
