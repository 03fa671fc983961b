"""What a cell puts on a slide: its Markdown, its code and its outputs as pieces of HTML."""

import re
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from nbconvert.filters import markdown2html, strip_ansi
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

EXERCISE = re.compile(r"\*\*Exercise (\d+\.\d+)\. ")
FOLDED = re.compile(r"<details>\s*<summary>(.*?)</summary>\s*(.*?)\s*</details>", re.DOTALL)
HEADING = re.compile(r"#{1,3} +(.*)")
# "The weights are multiplied. *Predict: weights of 2. Does the loss double?*"
QUESTION = re.compile(r"(.*?)(?<!\*)\*Predict:\s*(.+?)\*(?!\*)$", re.DOTALL)
OPTION = re.compile(r"(?:,? or|[,;])?\s*\(([a-f])\)\s+")
CLAIM = re.compile(r"\*\*Claim (\d+\.\d+)\.\*\*\s*(.*)", re.DOTALL)
LINK = re.compile(r'<a\s[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
LESSON = re.compile(r"(?:\./)?(\d\d_\w+)\.ipynb(?:#.*)?$")
NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SHORT = 45  # options of so many characters together stand in one row
ANCHOR = re.compile(r'<a class="anchor-link"[^>]*>.*?</a>', re.DOTALL)


@dataclass(frozen=True)
class Part:
    """One piece of a slide.

    Attributes:
        kind: "text", "question", "answer", "claim", "code", "output", "error" or "picture".
        html: what is shown.
        press: whether it waits for the press of a key.
        lines: of code or an output, to choose a size of letters.
    """

    kind: str
    html: str
    press: bool = False
    lines: tuple = ()

    @property
    def boxes(self):
        """How many pieces lie below one another in it."""
        return self.html.count('<div class="part ') or 1


def html(markdown):
    """Return HTML whose links lead to a deck or the web; one that leads to a file is text."""
    return LINK.sub(relink, ANCHOR.sub("", markdown2html(markdown))).strip()


def inline(markdown):
    """Return the HTML of one paragraph, without the paragraph."""
    return html(markdown).removeprefix("<p>").removesuffix("</p>")


def relink(found):
    address, text = found.groups()
    lesson = LESSON.match(address)
    if lesson and (NOTEBOOKS / f"{lesson[1]}.ipynb").exists():
        return f'<a href="{lesson[1]}.slides.html">{text}</a>'
    return found[0] if address.startswith(("https://", "http://")) else f"<span>{text}</span>"


def heading_of(cell):
    """Return the first heading of a cell, "" if it has none."""
    found = HEADING.match(cell.source) if cell.cell_type == "markdown" else None
    return found[1].strip() if found else ""


def text_parts(source, replacement, press):
    """Return the parts of a Markdown cell: questions, answers, claims, and text between them.

    `replacement` stands in place of the text. An answer waits for a key; the first other part does
    if `press` is set, and the rest comes with it.
    """
    parts, start = [], 0
    for fold in FOLDED.finditer(source):
        parts += paragraphs(source[start : fold.start()])
        parts += [("answer", fold[2])] if fold[1] == "Answer" else paragraphs(fold[2])
        start = fold.end()
    parts += paragraphs(source[start:])
    if replacement is not None:
        parts = replaced(parts, replacement)
    made = []
    for kind, text in parts:
        waits = kind == "answer" or (press and not made)
        made.append(Part(kind, RENDER[kind](text), waits))
    return joined(made)


def paragraphs(source):
    """Return (kind, Markdown) of each run of paragraphs of one kind. Headings are left out."""
    found = []
    for text in blocks(source):
        text = HEADING.sub("", text, count=1).strip() if HEADING.match(text) else text
        if question := QUESTION.match(text):
            found += [("text", question[1].strip())] if question[1].strip() else []
            found.append(("question", question[2]))
        elif CLAIM.match(text):
            found.append(("claim", text))
        elif text and found and found[-1][0] == "text":
            found[-1] = ("text", f"{found[-1][1]}\n\n{text}")
        elif text:
            found.append(("text", text))
    return found


def blocks(source):
    """Return the paragraphs of a Markdown text; a fenced block is one, blank lines and all."""
    found, fenced = [""], False
    for line in source.strip().splitlines():
        fenced ^= line.startswith("```")
        if line.strip() or fenced:
            found[-1] += line + "\n"
        elif found[-1]:
            found.append("")
    return [text.strip() for text in found]


def replaced(parts, replacement):
    """Return the parts with `replacement` in place of all text: where the first one stood, or
    before the question if there is one."""
    kinds = [kind for kind, _ in parts]
    place = min((kinds.index(kind) for kind in ("text", "question") if kind in kinds), default=0)
    kept = [part for part in parts if part[0] != "text"]
    return [*kept[:place], ("text", replacement), *kept[place:]] if replacement else kept


def joined(parts):
    """Everything that comes with a press is in one part, so that one key shows it."""
    made = []
    for part in parts:
        waiting = made and made[-1].press and made[-1].kind != "answer" and not part.press
        if waiting:
            made[-1] = Part("group", wrapped(made[-1]) + wrapped(part), press=True)
        else:
            made.append(part)
    return made


def wrapped(part):
    return part.html if part.kind == "group" else f'<div class="part {part.kind}">{part.html}</div>'


def question_html(text):
    """Return a question, its options as a list."""
    question, *rest = OPTION.split(text[:1].upper() + text[1:])
    options = [
        f"<li><b>{name}</b> <span>{inline(option.strip().rstrip(',;.'))}</span></li>"
        for name, option in zip(rest[::2], rest[1::2], strict=True)
    ]
    row = ' class="row"' if sum(map(len, rest)) < SHORT else ""
    listed = f"<ol{row}>{''.join(options)}</ol>" if options else ""
    return f"<p>{inline(question.strip())}</p>{listed}"


def claim_html(text):
    number, claim = CLAIM.match(text).groups()
    return f"<p><b>{number}</b> {inline(claim)}</p>"


RENDER = {"text": html, "answer": html, "question": question_html, "claim": claim_html}


def code_parts(cell, show, press):
    """Return the code of a cell and its outputs, each at a press of its own."""
    source = re.sub(r"\n{3,}", "\n\n", cell.source)
    code = highlight(source, PythonLexer(), HtmlFormatter(cssclass="highlight"))
    parts = [Part("code", code, press, tuple(source.splitlines()))] if show != "output" else []
    if show == "code":
        return parts
    # Without its code, an output is what the slide is about: it comes when the code would have.
    waits = press if show == "output" else True
    outputs = [part for output in cell.outputs for part in output_part(output)]
    return parts + [replace(part, press=waits) for part in outputs]


def output_part(output):
    """Return an output as a list of one part, or of none if it shows nothing."""
    if output.output_type == "error":
        return [text_output("error", f"{output.ename}: {output.evalue}")]
    data = output.get("data", {})
    if "image/png" in data:
        return [picture(data["image/png"], output.metadata.get("image/png", {}))]
    text = output.text if output.output_type == "stream" else data.get("text/plain", "")
    return [text_output("output", text)] if text.strip() else []


def text_output(kind, text):
    text = strip_ansi(text).rstrip()
    return Part(kind, f"<pre>{escape(text)}</pre>", lines=tuple(text.splitlines()))


def picture(data, metadata):
    size = "".join(f' {key}="{metadata[key]}"' for key in ("width", "height") if key in metadata)
    alt = escape(metadata.get("alt", ""))
    return Part("picture", f'<img src="data:image/png;base64,{data.strip()}" alt="{alt}"{size}>')
