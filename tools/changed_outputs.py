"""Change every stored output a little and see that `make test` notices: `make outputs [LESSON=04]`.

In a copy of each notebook, one character of each cell's output is another one, or a patch of a
picture in which something is drawn. nbval must turn exactly these cells red.
"""

import base64
import io
import json
import random
import re
import shutil
import sys
from pathlib import Path

import matplotlib.image
import numpy as np

from tools.red_cells import red_cells
from tools.run_notebooks import with_content

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "outputs"
TEXTS = ("text/plain", "text/html")
PATCH = 9  # pixels, about the size of a digit


def change(output, chance):
    """Change one place of an output."""
    if "image/png" in output.get("data", {}):
        output["data"]["image/png"] = other_picture(output["data"]["image/png"], chance)
    elif output["output_type"] == "stream":
        output["text"] = other_text(output["text"], chance)
    elif output["output_type"] == "error":
        place = chance.randrange(len(output["traceback"]))
        output["traceback"][place] = other_text(output["traceback"][place], chance)
    else:
        kind = chance.choice([kind for kind in TEXTS if kind in output["data"]])
        output["data"][kind] = other_text(output["data"][kind], chance)


def other_text(text, chance):
    """Return the text with another letter or digit at one place; colours and tags stay."""
    text = "".join(text)
    hidden = [match.span() for match in re.finditer(r"\x1b\[[\d;]*m|<[^>]*>|In\[\d+\]", text)]
    places = [
        place
        for place, letter in enumerate(text)
        if letter.strip() and not any(start <= place < end for start, end in hidden)
    ]
    place = chance.choice(places)
    others = "38" if text[place].isdigit() else "ax"
    return text[:place] + others[text[place] == others[0]] + text[place + 1 :]


def other_picture(png, chance):
    """Return the picture with a patch inverted, at a place where something dark is drawn."""
    pixels = matplotlib.image.imread(io.BytesIO(base64.b64decode(png)), format="png").copy()
    row, column = chance.choice(np.argwhere(pixels[..., :3].mean(axis=-1) < 0.6).tolist())
    pixels[row : row + PATCH, column : column + PATCH, :3] *= -1
    pixels[row : row + PATCH, column : column + PATCH, :3] += 1
    buffer = io.BytesIO()
    matplotlib.image.imsave(buffer, pixels, format="png")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def copy_changed(path, chance):
    """Write the changed copy; return the numbers of its changed code cells, counted from 0."""
    notebook = json.loads(path.read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    changed = []
    for number, cell in enumerate(code):
        if cell["outputs"] and "nbval-ignore-output" not in cell["metadata"].get("tags", []):
            change(chance.choice(with_content(cell["outputs"])), chance)
            changed.append(number)
    (BUILD / path.name).write_text(json.dumps(notebook))
    return changed


def main(lesson=""):
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    chance = random.Random(0)
    changed = set()
    for path in sorted((ROOT / "notebooks").glob(f"{lesson}*.ipynb")):
        own = copy_changed(path, chance)
        print(f"{path.stem}: {len(own)} outputs changed", flush=True)
        changed |= {(path.stem, str(number)) for number in own}
    print("running the changed copies ...", flush=True)
    red = set(red_cells(sorted(BUILD.glob("*.ipynb")), BUILD / "pytest.txt"))
    if changed != red:
        wrong = ", ".join(f"{name} cell {number}" for name, number in sorted(changed ^ red))
        sys.exit(f"not noticed, or red without a change: {wrong}")
    print(f"all {len(changed)} noticed, and no other cell turned red")


if __name__ == "__main__":
    main(*sys.argv[1:])
