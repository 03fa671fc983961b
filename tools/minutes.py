"""What a lesson asks of its reader, and what it shows: `python -m tools.minutes`.

Minutes of reading are counted, not guessed: words at 200 a minute, 7 seconds for a line of code, 25
seconds for a question. A solution that is folded is not read. Minutes for exercises are their own.
"""

import json
import math
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORDS_A_MINUTE, SECONDS_A_LINE, SECONDS_A_QUESTION = 200, 7, 25
# An output of a few of these and nothing else says yes or no. A grid of them is a mask to look at.
YES_OR_NO = re.compile(r"\b(?:True|False|array|dtype=bool)\b|[\[\](),\s]")
GRID = 6


def lessons():
    """Return the paths of all lessons, in order."""
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells_of(path):
    return json.loads(path.read_text())["cells"]


def source(cell):
    return "".join(cell["source"])


def is_folded(cell):
    """Whether a reader sees a code cell's source only by opening it."""
    return bool(cell["metadata"].get("jupyter", {}).get("source_hidden"))


def reading(cells):
    """Return the minutes of reading, a float."""
    words = sum(len(source(cell).split()) for cell in cells if cell["cell_type"] == "markdown")
    lines = sum(
        len([line for line in source(cell).splitlines() if line.strip()])
        for cell in cells
        if cell["cell_type"] == "code" and not is_folded(cell)
    )
    questions = sum(source(cell).count("*Predict") for cell in cells)
    seconds = SECONDS_A_LINE * lines + SECONDS_A_QUESTION * questions
    return words / WORDS_A_MINUTE + seconds / 60


def rounded(minutes):
    """Return minutes as a lesson states them: in steps of 5, upwards."""
    return 5 * math.ceil(minutes / 5)


def shown(cell):
    """Return the text of a code cell's outputs; a picture counts as text."""
    parts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        parts += ["picture"] if "image/png" in data else []
        parts += ["".join(output.get("text", data.get("text/plain", "")))]
    return "\n".join(part for part in parts if part)


def boolean_share(cells):
    """Return the share of outputs that are nothing but True and False."""
    outputs = [shown(cell) for cell in cells if cell["cell_type"] == "code"]
    outputs = [text for text in outputs if text]
    booleans = [
        text
        for text in outputs
        if not YES_OR_NO.sub("", text) and len(re.findall("True|False", text)) < GRID
    ]
    return len(booleans) / max(len(outputs), 1)


def spoiled(cells):
    """Return the places of questions with a claim in sight.

    The code that answers a question has its output folded, so that the first paragraphs after it
    stand on the same screen. A claim there that is not folded gives the answer away.
    """
    found = []
    for place, cell in enumerate(cells):
        if "*Predict" in source(cell) and any(map(has_open_claim, in_sight(cells, place))):
            found.append(place)
    return found


def in_sight(cells, place):
    """Yield a question's cell and those after it, to the first text behind the code it asks of."""
    has_run = False
    yield cells[place]
    for cell in cells[place + 1 :]:
        is_code = cell["cell_type"] == "code"
        if (source(cell).startswith("#") and not is_code) or "*Predict" in source(cell):
            return
        yield cell
        if has_run and not is_code:
            return
        has_run = has_run or is_code


def has_open_claim(cell):
    text = re.sub(r"<details>.*?</details>", "", source(cell), flags=re.DOTALL)
    return cell["cell_type"] == "markdown" and "**Claim " in text


def main():
    """Print a row for each lesson."""
    print("lesson                    words  cells  booleans  spoiled  reading")
    for path in lessons():
        cells = cells_of(path)
        words = sum(len(source(c).split()) for c in cells if c["cell_type"] == "markdown")
        print(
            f"{path.stem:24} {words:6} {len(cells):6} {boolean_share(cells):8.0%} "
            f"{len(spoiled(cells)):8} {reading(cells):8.1f}"
        )


if __name__ == "__main__":
    main()
