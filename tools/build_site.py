"""Build the site into build/site: `make site`. It opens from disk and fetches nothing.

The lessons are the committed notebooks with the outputs that the tests compare; nothing is run.
They and the pages of docs/ are copied beside a configuration for Sphinx (tools/site_template), with
what a page needs more: folded answers, downloads, a link to the deck if `make slides` has built it.
Then every link and every address in what was built is checked (tools/site_check.py).
"""

import ast
import base64
import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

import course_lib
from tools import site_check
from tools.run_notebooks import with_content

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "tools" / "site_template"
BUILD = ROOT / "build"
DECKS = ROOT / "build" / "slides"
CURVES = "draw_curves("

TOCTREE = "```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"
CHAPTERS = {
    "Reference": ["api", "docs/layers", "docs/claims", "docs/wild"],
    "For teachers": ["docs/teaching", "docs/answer_key"],
    "How it is made": ["docs/testing", "CONTRIBUTING"],
}
# Pages that belong to another one, not to the start page.
BELOW = {
    "testing.md": ["faults", "mutants", "determinism"],
    "wild.md": ["wild/*", "wild/*/README"],
}
# What a page links besides pages, to be downloaded.
FILES = ["LICENSE", "environment.yml", "binder/environment.yml"]


def lesson_for_site(notebook, stem, deck):
    """Return a lesson as Sphinx shows it: answers folded, alt texts, and where to get it.

    Args:
        notebook: an `nbformat` notebook; it is changed.
        stem: the file's name without its ending.
        deck: whether its deck was built.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code":
            code_cell_for_site(cell)
    links = f"{{download}}`Download the notebook <{stem}.ipynb>`"
    if deck:
        links += f' <a href="../slides/{stem}.slides.html">Open its slides</a>'
    note = nbformat.v4.new_markdown_cell(f":::{{container}} lesson-links\n{links}\n:::")
    notebook.cells.insert(1, note)
    return notebook


def code_cell_for_site(cell):
    """Fold what JupyterLab folds, and give a picture its alt text and its size."""
    folded = cell.metadata.get("jupyter", {})
    hides = {
        (True, True): ["hide-cell"],
        (True, False): ["hide-input"],
        (False, True): ["hide-output"],
    }
    key = (bool(folded.get("source_hidden")), bool(folded.get("outputs_hidden")))
    cell.metadata["tags"] = [*cell.metadata.get("tags", []), *hides.get(key, [])]
    if "solution" in cell.metadata["tags"]:
        cell.metadata["mystnb"] = {"code_prompt_show": "Show the solution"}
    cell.outputs = with_content(cell.outputs)
    for output in cell.outputs:
        picture = output.get("metadata", {}).get("image/png")
        if picture:
            image = {"alt": picture["alt"].replace("\n", " "), "width": f"{picture['width']}px"}
            cell.metadata["mystnb"] = {"image": image}


def first_picture(notebook):
    """Return (png, alt, width) of lesson 00's two curves, as they were stored.

    Raises:
        LookupError: not one cell draws them.
    """
    cells = [c for c in notebook.cells if c.cell_type == "code" and CURVES in c.source]
    if len(cells) != 1:
        raise LookupError(f"lesson 00 must have one cell with {CURVES!r}, it has {len(cells)}")
    (output,) = [o for o in cells[0].outputs if "image/png" in o.get("data", {})]
    about = output.metadata["image/png"]
    return base64.b64decode(output.data["image/png"]), about["alt"], about["width"]


def write_lessons(source):
    """Copy the lessons; return (name, title) of each, in order."""
    (source / "notebooks").mkdir()
    names = []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        deck = (DECKS / f"{path.stem}.slides.html").exists()
        target = source / "notebooks" / path.name
        nbformat.write(lesson_for_site(notebook, path.stem, deck), target)
        title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
        names.append((path.stem, f"{path.stem[:2]} {title}"))
    return names


def write_pages(source):
    """Copy docs/ and CONTRIBUTING.md, and say which page stands below which."""
    shutil.copytree(ROOT / "docs", source / "docs")
    shutil.copy(ROOT / "CONTRIBUTING.md", source)
    for name in FILES:
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    for page, patterns in BELOW.items():
        path = source / "docs" / page
        found = [p for pattern in patterns for p in sorted(path.parent.glob(f"{pattern}.md"))]
        pages = "\n".join(str(p.relative_to(path.parent).with_suffix("")) for p in found)
        tree = f"\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"
        path.write_text(path.read_text(encoding="utf-8") + tree, encoding="utf-8")


def chapters():
    """Return CHAPTERS; a page of docs/ that none of them names is among the reference."""
    named = {page for pages in CHAPTERS.values() for page in pages}
    named |= {f"docs/{name}" for names in BELOW.values() for name in names}
    found = [f"docs/{path.stem}" for path in sorted((ROOT / "docs").glob("*.md"))]
    more = [page for page in found if page not in named]
    return CHAPTERS | {"Reference": [*CHAPTERS["Reference"], *more]}


def write_start(source, lessons):
    """Write the start page with the picture of lesson 00."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{lessons[0][0]}.ipynb", as_version=4)
    png, alt, width = first_picture(notebook)
    (source / "_static").mkdir()
    (source / "_static" / "two_curves.png").write_bytes(png)
    for name in ("course.css", "course.js"):
        shutil.copy(TEMPLATE / name, source / "_static")
    pages = [f"{title} <notebooks/{name}>" for name, title in lessons]
    trees = {"Lessons": pages, **chapters()}
    said = [TOCTREE.format(caption=name, pages="\n".join(trees[name])) for name in trees]
    text = (TEMPLATE / "index.md").read_text(encoding="utf-8")
    for word, what in {"WIDTH": width, "ALT": alt, "TOCTREES": "\n".join(said)}.items():
        text = text.replace(word, str(what))
    (source / "index.md").write_text(text, encoding="utf-8")


def modules():
    """Return (name, public names) of each module of `course_lib` that somebody may import."""
    found = []
    for path in sorted((ROOT / "course_lib").glob("*.py")):
        if not path.stem.startswith(("_", "pictures")) or path.stem == "pictures":
            kinds = (ast.FunctionDef, ast.ClassDef)
            body = ast.parse(path.read_text(encoding="utf-8")).body
            names = [n.name for n in body if isinstance(n, kinds) and n.name[0] != "_"]
            found.append((path.stem, names))
    return found


def first_line(name):
    """Return the first line of what a name of the package says of itself."""
    said = getattr(course_lib, name).__doc__.strip().partition("\n")[0]
    said = re.sub(r":math:`([^`]+)`", r"$\1$", said)
    return said[0].lower() + said[1:]


def write_api(source):
    """Write the page of the package's names, each linked to where its docstring stands."""
    home = course_lib._HOME
    names = "\n".join(
        f"- [`{name}`](#course_lib.{home[name]}.{name}): {first_line(name)}"
        for name in course_lib.__all__
    )
    parts = [(TEMPLATE / "api_head.md").read_text(encoding="utf-8").replace("NAMES", names)]
    for module, _ in [*modules(), ("exercises", [])]:
        members = ":members: check, hint, progress" if module == "exercises" else ":members:"
        parts.append(
            f"## `course_lib.{module}`\n\n```{{eval-rst}}\n"
            f".. automodule:: course_lib.{module}\n   {members}\n```\n"
        )
    parts.append("## What they return\n")
    for name in course_lib.__all__:
        # A name whose module is private, as that of a report, has no section of its own.
        if home[name].startswith("_"):
            said = f".. autoclass:: course_lib.{home[name]}.{name}\n   :members:\n"
            parts.append(f"```{{eval-rst}}\n{said}```\n")
    (source / "api.md").write_text("\n".join(parts), encoding="utf-8")


def build(folder=BUILD):
    """Build `folder`/site and return where it is; a warning of Sphinx is an error."""
    source, site = folder / "site-source", folder / "site"
    for old in (source, site):
        shutil.rmtree(old, ignore_errors=True)
    source.mkdir(parents=True)
    shutil.copy(TEMPLATE / "conf.py", source)
    lessons = write_lessons(source)
    write_pages(source)
    write_start(source, lessons)
    write_api(source)
    command = [sys.executable, "-m", "sphinx", "-q", "-E", "-W", "--keep-going"]
    command += ["-d", folder / "site-doctrees", source, site]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit("Sphinx warns of something, above; a warning here is an error.")
    for lesson, _ in lessons:
        # The download is the notebook as it is in the project, not as it was laid out here.
        for copied in (site / "_downloads").glob(f"*/{lesson}.ipynb"):
            shutil.copy(ROOT / "notebooks" / copied.name, copied)
    if DECKS.is_dir():
        shutil.copytree(DECKS, site / "slides")
    return site


def main():
    """Build and check the site."""
    for package in ("sphinx", "furo", "myst-nb"):
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            sys.exit(f"The site needs {package}, which is not installed: make .venv")
    site = build()
    pages, trouble = site_check.check(site)
    if trouble:
        sys.exit("\n".join(trouble))
    print(f"{pages} pages, every link inside leads somewhere, and nothing is loaded from outside.")
    print(f"open {(site / 'index.html').relative_to(ROOT)}")


if __name__ == "__main__":
    main()
