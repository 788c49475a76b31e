"""Tables for papers."""

from collections.abc import Sequence

from facesr.reports._escape import amps, tex, tex_head, tex_name
from facesr.reports._format import MINUS
from facesr.reports._table import Cell, Column, Table
from facesr.reports._words import NOTHING, explain

MOST_COLUMNS = 9
KNOWN = ("value", "partly")  # states of a cell with a number
HEAD = r"""% needs \usepackage{booktabs} and \usepackage{xcolor}
% numbers are aligned by siunitx where it is loaded
\providecommand{\firstgroup}[1]{{\fontseries{b}\selectfont #1}}
\providecommand{\secondgroup}[1]{\underline{\smash{#1}}}
\providecommand{\soft}[1]{\textcolor{black!55}{#1}}
\providecommand{\partly}[1]{#1\rlap{$^\dagger$}}
\providecommand{\longname}[1]{\parbox[t]{42ex}{\raggedright\hangindent=1em #1\strut}}
\providecommand{\longhead}[1]{\parbox[b]{16ex}{\raggedleft\hspace{0pt}#1\strut}}
\providecommand{\unicodesign}[2]{\ifdefined\Umathchar #2\else{\footnotesize U+#1}\fi}
% \numeral[otherwise]{siunitx's table-format}{number}
\ifdefined\tablenum
  \providecommand{\numeral}[3][]{\tablenum[table-format=#2,detect-all]{#3}}
\else
  \providecommand{\numeral}[3][]{\ifx\relax#1\relax#3\else#1\fi}
\fi
"""


def latex(tables: Sequence[Table], intervals: bool = False) -> str:
    """Write tables for a paper; they need the packages booktabs and xcolor.

    Numbers are aligned at the point by siunitx where the paper loads it, else by their digits,
    which are as many for all of a column.

    Args:
        tables: What to write.
        intervals: Whether each number is followed by the half-width of its interval.
    """
    if not tables:
        return f"% {NOTHING}\n"
    most = MOST_COLUMNS // 2 if intervals else MOST_COLUMNS
    floats = [_latex(table, part, intervals) for table in tables for part in table.chunks(most)]
    return "\n".join([HEAD, *floats])


def _latex(table: Table, chunk: Sequence[int], intervals: bool) -> str:
    columns = [table.columns[i] for i in chunk]
    caption = f"{table.title}, protocol {table.protocol}. " + " ".join(explain(table))
    star = "*" if len(columns) > 5 else ""
    groups, rules, place = [], [], 2
    for group in dict.fromkeys(column.group for column in columns):
        count = sum(column.group == group for column in columns)
        groups.append(rf"\multicolumn{{{count}}}{{c}}{{{tex(group.capitalize())}}}")
        rules.append(rf"\cmidrule(lr){{{place}-{place + count - 1}}}")
        place += count
    scales = [rf"\soft{{{tex(c.scale)}}}" if c.scale else "" for c in columns]
    lines = [
        rf"\begin{{table{star}}}[t]",
        r"\centering\footnotesize\setlength{\tabcolsep}{5pt}",
        rf"\caption{{{tex(caption)}}}",
        rf"\begin{{tabular}}{{@{{}}l{'r' * len(columns)}@{{}}}}",
        r"\toprule",
        *([f" & {' & '.join(groups)} \\\\", "".join(rules)] if columns else []),
        amps("Method", [f"{tex_head(c.metric)}\\,{tex(c.arrow)}" for c in columns]),
        *([amps("", scales)] if any(scales) else []),
        r"\midrule",
    ]
    formats = [_format(table, i) for i in chunk]
    family = table.lines[0].family
    for line in table.lines:
        if line.family != family:
            lines.append(r"\addlinespace[2pt]")
            family = line.family
        written = [
            _tex_cell(line.cells[i], shape, table.columns[i] if intervals else None)
            for i, shape in zip(chunk, formats, strict=True)
        ]
        lines.append(amps(tex_name(table.name(line)), written))
    if any(column.half for column in columns) and not intervals:
        halves = [
            rf"\soft{{{_numeral(c.half, shape)}}}" if c.half else ""
            for c, shape in zip(columns, formats, strict=True)
        ]
        lines += [r"\midrule", amps(r"\soft{median half-width}", halves)]
    lines += [r"\bottomrule", r"\end{tabular}", rf"\end{{table{star}}}", ""]
    return "\n".join(lines)


def _tex_cell(cell: Cell, shape: str, column: Column | None) -> str:
    if cell.state in ("missing", "skipped", "failed"):
        return rf"\soft{{\textit{{{tex(cell.text)}}}}}"
    text = _numeral(cell.text, shape)
    if cell.state == "partly":
        text = rf"\partly{{{text}}}"
    else:
        marks = {1: rf"\firstgroup{{{text}}}", 2: rf"\secondgroup{{{text}}}"}
        text = marks.get(cell.mark, text)
    half = column.spread(cell) if column else ""
    return rf"{text}\,\soft{{$\pm$\,{tex(half)}}}" if half else text


def _format(table: Table, index: int) -> str:
    """Return siunitx's `table-format` of a column, such as `-2.2`.

    >>> _widest(["26.09", "\N{MINUS SIGN}5.1"])
    '-2.2'
    """
    texts = [line.cells[index].text for line in table.lines if line.cells[index].state in KNOWN]
    return _widest([*texts, table.columns[index].half])


def _widest(texts: Sequence[str]) -> str:
    parts = [text.lstrip(MINUS).partition(".") for text in texts if text]
    whole = max((len(part[0]) for part in parts), default=1)
    places = max((len(part[2]) for part in parts), default=0)
    sign = "-" if any(text.startswith(MINUS) for text in texts) else ""
    return f"{sign}{whole}.{places}" if places else f"{sign}{whole}"


def _numeral(text: str, shape: str) -> str:
    if "." not in shape:  # whole numbers line up as they are
        return tex(text)
    plain = text.replace(MINUS, "-")
    return rf"\numeral{f'[{tex(text)}]' if plain != text else ''}{{{shape}}}{{{plain}}}"
