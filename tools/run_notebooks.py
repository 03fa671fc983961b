"""Execute notebooks in place, in the kernel settings of the tests: `make run [LESSON=04]`.

`python -m tools.run_notebooks --fold` folds anew what is stored and runs nothing.

A notebook is written only when all its cells ran, without stderr and without an error that it did
not ask for. Otherwise the file stays as it was, and the reason is printed.
"""

import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import conftest  # noqa: F401  the kernel settings, also without make

ROOT = Path(__file__).resolve().parent.parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# In italics; in lesson 00 a bold one explains what a prediction is.
PREDICTION = re.compile(r"(?<!\*)\*Predict")


def run(path):
    notebook = nbformat.read(path, as_version=4)
    tidy(notebook, path.stem)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    client = NotebookClient(
        notebook,
        timeout=600,  # as in the Makefile: a disk may be slow
        startup_timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": path.parent}},
        # What a cell prints arrives in pieces on a busy machine; it is stored in one.
        coalesce_streams=True,
        # A word of the kernel to its own terminal, about connections, which is of no use here.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    client.on_cell_start = lambda cell, cell_index: show(path, code, cell)
    started = time.monotonic()
    try:
        client.execute()
    except CellExecutionError as error:
        return fail(path, str(error))
    for number, cell in enumerate(code, 1):
        cell.metadata.pop("execution", None)
        for output in cell.outputs:
            if output.get("name") == "stderr":
                return fail(path, f"cell {number} wrote to stderr:\n{output.text}")
    fold_answers(notebook.cells)
    notebook.metadata = METADATA
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
    print(f"\r{path.stem}: {len(code)} cells, {time.monotonic() - started:.1f} s", flush=True)
    return True


def tidy(notebook, stem):
    """Name the cells by lesson and place, so that a diff shows what changed and nothing else."""
    for place, cell in enumerate(notebook.cells, 1):
        cell.id = f"{stem.split('_')[0]}-{place:03d}"


def is_folded(text):
    """Whether nothing of a text is read before it is opened."""
    return text.startswith("<details>") and text.rstrip().endswith("</details>")


def with_content(outputs):
    """Return the outputs that hold something; `fold_answers` puts one that holds nothing first."""
    return [o for o in outputs if o["output_type"] != "display_data" or o["data"]]


def fold_answers(cells):
    """Fold what a prediction asks for. JupyterLab shows it again as soon as the cell is run.

    The answer ends at the first text behind its outputs that is not folded itself. In place of
    folded outputs JupyterLab shows the first line of the first of them, which tells the answer.
    So one comes first that holds nothing, and of which nothing is ever seen.
    """
    asked = answered = False
    for cell in cells:
        if cell.cell_type == "markdown":
            if PREDICTION.search(cell.source):
                asked, answered = True, False
            elif answered and not is_folded(cell.source):
                asked = False
        elif "solution" not in cell.metadata.get("tags", []):
            cell.metadata.pop("jupyter", None)
            cell.outputs = with_content(cell.outputs)
            if asked and cell.outputs:
                cell.metadata["jupyter"] = {"outputs_hidden": True}
                cell.outputs.insert(0, nbformat.v4.new_output("display_data"))
                answered = True


def show(path, code, cell):
    if cell.cell_type == "code":
        place = next(place for place, other in enumerate(code, 1) if other is cell)
        print(f"\r{path.stem}: cell {place} of {len(code)}", end="", flush=True)


def fail(path, reason):
    print(f"\r{path.stem}: not written. {reason}", flush=True)
    return False


def fold(path):
    notebook = nbformat.read(path, as_version=4)
    fold_answers(notebook.cells)
    nbformat.write(notebook, path)


def main(pattern="", *, folder=ROOT / "notebooks"):
    if pattern == "--fold":
        return [fold(path) for path in sorted(folder.glob("*.ipynb"))]
    paths = sorted(folder.glob(f"{pattern}*.ipynb"))
    if not paths:
        sys.exit(f"no notebook in notebooks/ starts with {pattern!r}")
    results = [run(path) for path in paths]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
