"""Any text to text that markdown, LaTeX and a spreadsheet take for text."""

import re
from collections.abc import Sequence

from facesr.reports._format import MINUS, TIMES
from facesr.reports._words import DAGGER, visible

FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # the last four are their wide forms
LONG = 40  # signs of a name that stay on one line in LaTeX
LONG_HEAD = 16  # signs of the name of a column that do
_PIECE = 20
_BREAK = r"\allowbreak "
# what pdfLaTeX knows beyond Latin letters, and the Latin letters that it does not know
_TYPESET = frozenset("\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026\u20ac\u2122")
_UNKNOWN = frozenset("«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ")
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
    '"': "''",
    "`": r"\textasciigrave{}",
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


def md(text: str) -> str:
    r"""Escape what markdown would read as markup.

    >>> print(md("a|b <script> x_y [1](u)"))
    a\|b &lt;script&gt; x\_y [1]\(u)
    """
    text = visible(" ".join(text.split()))
    for sign in "\\`*_|":
        text = text.replace(sign, f"\\{sign}")
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("](", "]\\(")


def bars(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def tex(text: str) -> str:
    r"""Escape what LaTeX would read as a command.

    >>> tex("50 % of a_b"), tex("a--b")
    ('50 \\% of a\\_b', 'a-{}-b')
    """
    return "".join(map(_sign, visible(" ".join(text.split())))).replace("--", "-{}-")


def tex_name(text: str) -> str:
    """Escape a name; a long one is broken into lines."""
    name = visible(" ".join(text.split()))
    if len(name) <= LONG:
        return tex(name)
    pieces = [name[i : i + _PIECE] for i in range(0, len(name), _PIECE)]
    return rf"\longname{{{_BREAK.join(map(tex, pieces))}}}"


def tex_head(text: str) -> str:
    """Escape the name of a column; a long one is broken where its brackets and commas are."""
    if len(text) <= LONG_HEAD:
        return tex(text)
    pieces = re.split(r"(?=\[)|(?<=[,;=])", " ".join(text.split()))
    short = [part[i : i + _PIECE] for part in pieces for i in range(0, len(part), _PIECE)]
    return rf"\longhead{{{_BREAK.join(map(tex, short))}}}"


def _sign(sign: str) -> str:
    if sign in _LATEX:
        return _LATEX[sign]
    if (ord(sign) < 0x180 and sign not in _UNKNOWN) or sign in _TYPESET:
        return sign
    return rf"\unicodesign{{{ord(sign):04X}}}{{{sign}}}"


def amps(first: str, cells: Sequence[str]) -> str:
    return " & ".join([first, *cells]) + r" \\"


def plain(text: str) -> str:
    r"""Keep a spreadsheet from running text as a formula.

    Spreadsheets trim what cannot be seen before they look for a formula, and so does this.

    >>> plain("=1+1"), plain("\t =1+1"), plain("psnr")
    ("'=1+1", "'\\t =1+1", 'psnr')
    """
    seen = "".join(sign for sign in text if sign.isprintable()).lstrip()
    return f"'{visible(text)}" if seen.startswith(FORMULA) else visible(text)
