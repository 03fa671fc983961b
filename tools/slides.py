"""Make a deck of every lesson, in build/slides, that opens from disk without a network.

`make slides`, or `make slides LESSON=04` for one. The cells are the committed ones, with the
outputs that the tests compare; what stands on which slide is in the cells' slideshow metadata.
reveal.js and MathJax come from npm, by the versions in package-lock.json, and are laid beside the
decks.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "slides"
# What a deck reads of each package, from its folder in node_modules.
ASSETS = {
    "reveal.js/dist": "reveal.js/dist",
    "reveal.js/plugin/notes": "reveal.js/plugin/notes",
    "reveal.js/LICENSE": "reveal.js/LICENSE",
    "mathjax/MathJax.js": "mathjax/MathJax.js",
    "mathjax/LICENSE": "mathjax/LICENSE",
    "mathjax/config/TeX-AMS_CHTML-full.js": "mathjax/config/TeX-AMS_CHTML-full.js",
    "mathjax/config/Safe.js": "mathjax/config/Safe.js",
    "mathjax/extensions": "mathjax/extensions",
    "mathjax/jax/element": "mathjax/jax/element",
    "mathjax/jax/input/TeX": "mathjax/jax/input/TeX",
    "mathjax/jax/output/CommonHTML": "mathjax/jax/output/CommonHTML",
    "mathjax/fonts/HTML-CSS/TeX/woff": "mathjax/fonts/HTML-CSS/TeX/woff",
}
# Source maps, and MathJax's explorer, which is larger than all the rest and off by default.
NOT_NEEDED = shutil.ignore_patterns("*.map", "a11y")
# On a slide, what is shown comes in its turn: it need not be folded as in the lesson.
SHOWS = re.compile(r"<details><summary>What it shows</summary>\n\n(.*?)\n\n</details>", re.DOTALL)
# "[next](02_embedding_mask_zero.ipynb)" leads to the next deck.
LINK = re.compile(r'href="(?:\./)?(\d\d_\w+)\.ipynb(?=["#])')


def exporter():
    """Return the exporter of a deck; all its addresses are files beside it."""
    return SlidesExporter(
        template_name="slides_template",
        extra_template_basedirs=[str(ROOT / "tools")],
        reveal_url_prefix="assets/reveal.js",
        reveal_theme="white",
        reveal_width="1280",
        reveal_height="720",
        mathjax_url="assets/mathjax/MathJax.js?config=TeX-AMS_CHTML-full,Safe",
        # Pictures are stored in the outputs. Looking for others, nbconvert takes an answer out of
        # its <details>: it closes what stands open at the end of a block of HTML.
        embed_images=False,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )


def write_deck(path, folder):
    """Write the deck of the notebook at `path` into `folder`, and return where it is."""
    notebook = nbformat.read(path, as_version=4)
    first = notebook.cells[0].source.splitlines()[0]
    notebook.metadata["title"] = first.lstrip("# ")
    for cell in notebook.cells:
        cell.source = SHOWS.sub(r"\1", cell.source)
    html, _ = exporter().from_notebook_node(notebook, {"metadata": {"path": str(path.parent)}})
    deck = folder / f"{path.stem}.slides.html"
    deck.write_text(LINK.sub(r'href="\1.slides.html', html), encoding="utf-8")
    return deck


def install():
    """Install the locked npm packages into node_modules, unless they are there."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit(
            "The decks need npm, which is not installed; on Debian: apt install npm. "
            "Lessons and tests work without it."
        )
    installed, lock = ROOT / "node_modules" / ".package-lock.json", ROOT / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime > lock.stat().st_mtime:
        return
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit("npm could not install what package-lock.json names; its message stands above.")


def copy_assets(folder):
    """Copy what the decks read into `folder`/assets."""
    for source, target in ASSETS.items():
        source, target = ROOT / "node_modules" / source, folder / "assets" / target
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=NOT_NEEDED, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)


def main(pattern=""):
    paths = sorted((ROOT / "notebooks").glob(f"{pattern}*.ipynb"))
    if not paths:
        sys.exit(f"no notebook in notebooks/ starts with {pattern!r}")
    install()
    copy_assets(BUILD)
    for path in paths:
        print(write_deck(path, BUILD).relative_to(ROOT), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
