"""The report's page: its style, and the few HTML forms that its sections are made of. Everything shown is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from stratos.report import svg

_CONTROLS = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"} | {0x7F: "\u2421"}

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #5c6670; --line: #d9dee3; --paper: #ffffff; --page: #f5f6f8;
  --good: #1a7f37; --bad: #b3261e; --main: #1f66c1; --other: #b4541a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebee; --soft: #a3adb7; --line: #353c44; --paper: #15181c;
  --page: #0d0f12; --good: #57c274; --bad: #ff8a80; --main: #6aa9f4; --other: #eb9356; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
header p { margin: 0; color: var(--soft); }
h1 { font-size: 2rem; line-height: 1.2; margin: .15rem 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem 1.4rem;
  margin-top: 1.25rem; }
p, ul { margin: .4rem 0 .8rem; max-width: 46rem; overflow-wrap: anywhere; }
ul { padding-left: 1.2rem; }
.soft { color: var(--soft); } .small { font-size: .875rem; }
.state { display: inline-block; margin-top: .75rem; padding: .2rem .7rem; border-radius: 99px; font-weight: 600;
  border: 1.5px solid currentColor; }
.mark { white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: .9rem; margin-top: 1.25rem; }
.tile { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1.1rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tile span { display: block; color: var(--soft); font-size: .875rem; }
.wide { overflow-x: auto; }
figure { margin: 0; overflow-x: auto; } figure svg { display: block; width: 100%; min-width: 34rem; max-width: 60rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; white-space: nowrap; } tr:last-child td { border-bottom: 0; }
td.number, th.number { text-align: right; white-space: nowrap; } tr.total td { font-weight: 600; }
tr.chosen td:first-child { font-weight: 700; }
td { overflow-wrap: break-word; max-width: 34rem; }
.pair + .pair { margin-top: .6rem; }
.sample { border-top: 1px solid var(--line); padding: .9rem 0; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(16rem, 100%), 1fr)); gap: .75rem; }
pre { margin: .25rem 0 0; padding: .6rem .75rem; background: var(--page); border-radius: 6px; white-space: pre-wrap;
  overflow-wrap: anywhere; font: .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace;
  max-height: 20rem; overflow-y: auto; }
details summary { cursor: pointer; color: var(--soft); }
footer { margin-top: 1.5rem; color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
"""


@dataclass(frozen=True, slots=True)
class Markup:
    """HTML that is safe to put into the page as it is."""

    html: str


Cell = str | Markup


def document(title: str, body: Iterable[Markup]) -> str:
    """The whole page. It may load nothing and run nothing, and says so to the browser."""
    inside = "\n".join(part.html for part in body)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{svg.STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{inside}\n</main>\n</body>\n</html>\n"
    )


def escape(text: str) -> str:
    """Text as HTML shows it; control characters become their visible pictures, lone surrogates question marks."""
    visible = text.translate(_CONTROLS).encode("utf-8", "replace").decode()
    return html.escape(visible)


def section(title: str, *parts: Markup) -> Markup:
    return Markup(f"<section>\n<h2>{escape(title)}</h2>\n{''.join(part.html for part in parts)}\n</section>")


def paragraph(text: str, kind: str = "") -> Markup:
    return Markup(f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>")


def heading(text: str) -> Markup:
    return Markup(f"<h3>{escape(text)}</h3>")


def bullets(items: Sequence[str]) -> Markup:
    return Markup("<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>")


def figure(chart: Element) -> Markup:
    return Markup(f"<figure>{svg.markup(chart)}</figure>")


def state(words: str, kind: str) -> Markup:
    """A word that stands out; `kind` is good, bad or open."""
    return Markup(f'<span class="state {kind}">{escape(words)}</span>')


def mark(right: bool) -> Markup:
    """Right or wrong, told by sign and colour."""
    kind, sign, words = ("good", "✓", "passed") if right else ("bad", "✗", "missed")
    return Markup(f'<span class="mark {kind}">{sign} {words}</span>')


def tiles(items: Iterable[tuple[str, str, str]]) -> Markup:
    """Boxes of (what it is, its value, what else to know)."""
    boxes = (
        f'<div class="tile"><span>{escape(name)}</span><b>{escape(value)}</b><span>{escape(note)}</span></div>'
        for name, value, note in items
    )
    return Markup(f'<div class="tiles">{"".join(boxes)}</div>')


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], numbers: Sequence[int] = (), first: str = "") -> Markup:
    """A table that scrolls by itself where it is too wide.

    `numbers` are the columns that are set right; `first` is the first row's kind.
    """
    kinds = [' class="number"' if column in numbers else "" for column in range(len(head))]
    top = "".join(f"<th{kind}>{escape(name)}</th>" for kind, name in zip(kinds, head, strict=True))
    body = []
    for number, row in enumerate(rows):
        cells = "".join(f"<td{kind}>{_cell(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
        body.append(f'<tr class="{first}">{cells}</tr>' if first and number == 0 else f"<tr>{cells}</tr>")
    return Markup(f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{"".join(body)}</tbody></table></div>')


def folded(summary: str, inside: Markup) -> Markup:
    return Markup(f"<details><summary>{escape(summary)}</summary>{inside.html}</details>")


def preformatted(label: Markup, text: str) -> Markup:
    return Markup(f'<div><span class="small">{label.html}</span><pre>{escape(text)}</pre></div>')


def _cell(cell: Cell) -> str:
    return cell.html if isinstance(cell, Markup) else escape(cell)
