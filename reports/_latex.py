"""Tables for papers."""

from collections.abc import Sequence

from facesr.reports._format import MINUS, TIMES
from facesr.reports._table import Cell, Table
from facesr.reports._words import DAGGER, NOTHING, explain, visible

MOST_COLUMNS = 9
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",
    "]": "{]}",
    MINUS: "$-$",
    DAGGER: r"$\dagger$",
    TIMES: r"$\times$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "°": r"$^\circ$",
    "⁰": "$^0$",
    "³": "$^3$",
    "⁶": "$^6$",
}
_LATEX_HEAD = r"""% needs \usepackage{booktabs} and \usepackage{xcolor}
\providecommand{\firstgroup}[1]{{\fontseries{b}\selectfont #1}}
\providecommand{\secondgroup}[1]{\underline{\smash{#1}}}
\providecommand{\soft}[1]{\textcolor{black!55}{#1}}
\providecommand{\partly}[1]{#1\rlap{$^\dagger$}}
"""


def latex(tables: Sequence[Table]) -> str:
    """Write tables for a paper; they need the packages booktabs and xcolor."""
    if not tables:
        return f"% {NOTHING}\n"
    floats = [_latex(table, chunk) for table in tables for chunk in table.chunks(MOST_COLUMNS)]
    return "\n".join([_LATEX_HEAD, *floats])


def _latex(table: Table, chunk: Sequence[int]) -> str:
    columns = [table.columns[i] for i in chunk]
    caption = f"{table.title}, protocol {table.protocol}. " + " ".join(explain(table))
    star = "*" if len(columns) > 5 else ""
    groups, rules, place = [], [], 2
    for group in dict.fromkeys(column.group for column in columns):
        count = sum(column.group == group for column in columns)
        groups.append(rf"\multicolumn{{{count}}}{{c}}{{{_tex(group.capitalize())}}}")
        rules.append(rf"\cmidrule(lr){{{place}-{place + count - 1}}}")
        place += count
    scales = [rf"\soft{{{_tex(c.scale)}}}" if c.scale else "" for c in columns]
    lines = [
        rf"\begin{{table{star}}}[t]",
        r"\centering\footnotesize\setlength{\tabcolsep}{5pt}",
        rf"\caption{{{_tex(caption)}}}",
        rf"\begin{{tabular}}{{@{{}}l{'r' * len(columns)}@{{}}}}",
        r"\toprule",
        *([f" & {' & '.join(groups)} \\\\", "".join(rules)] if columns else []),
        _amps("Method", [f"{_tex(c.metric)}\\,{_tex(c.arrow)}" for c in columns]),
        *([_amps("", scales)] if any(scales) else []),
        r"\midrule",
    ]
    family = table.lines[0].family
    for line in table.lines:
        if line.family != family:
            lines.append(r"\addlinespace[2pt]")
            family = line.family
        lines.append(_amps(_tex(table.name(line)), [_tex_cell(line.cells[i]) for i in chunk]))
    if any(column.half for column in columns):
        halves = [rf"\soft{{{_tex(c.half)}}}" if c.half else "" for c in columns]
        lines += [r"\midrule", _amps(r"\soft{median half-width}", halves)]
    lines += [r"\bottomrule", r"\end{tabular}", rf"\end{{table{star}}}", ""]
    return "\n".join(lines)


def _amps(first: str, cells: Sequence[str]) -> str:
    return " & ".join([first, *cells]) + r" \\"


def _tex(text: str) -> str:
    r"""Escape what LaTeX would read as a command.

    >>> _tex("50 % of a_b")
    '50 \\% of a\\_b'
    """
    return "".join(_LATEX.get(sign, sign) for sign in visible(" ".join(text.split())))


def _tex_cell(cell: Cell) -> str:
    text = _tex(cell.text)
    if cell.state == "partly":
        return rf"\partly{{{text}}}"
    if cell.state in ("missing", "skipped", "failed"):
        return rf"\soft{{\textit{{{text}}}}}"
    return {1: rf"\firstgroup{{{text}}}", 2: rf"\secondgroup{{{text}}}"}.get(cell.mark, text)
