"""How Sphinx builds the site. `tools/build_site.py` copies this beside the pages and runs it."""

import re

import latex2mathml.converter
from docutils import nodes

project = "Sequence masking in Keras"
author = "The course's authors"
copyright = "the course's authors. Text CC BY 4.0, code BSD-3-Clause"
html_title = project
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
# The outputs are those that the tests compare. Nothing is run to build a page.
nb_execution_mode = "off"
nb_code_prompt_show = "Show {type}"
nb_code_prompt_hide = "Hide {type}"

autodoc_member_order = "bysource"
# What is drawn is described by the notebooks; a base class from elsewhere would be noise.
autodoc_default_options = {"members": True, "undoc-members": False, "show-inheritance": False}
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
# In a docstring `this` is code, as in Markdown.
default_role = "code"
python_display_short_literal_types = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_js_files = [("course.js", {"defer": "defer"})]
html_show_sphinx = False
html_copy_source = False
# A summary would be fetched, which a browser refuses for a page from disk.
html_show_search_summary = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#005b8f", "color-brand-content": "#005b8f"},
    "dark_css_variables": {"color-brand-primary": "#7cc4f0", "color-brand-content": "#7cc4f0"},
}
html_math_renderer = "mathml"


def mathml(self, node):
    """Write a formula as MathML, which browsers set by themselves."""
    block = isinstance(node, nodes.math_block)
    # A prime set as a superscript flies off where no font for formulas is installed.
    text = node.astext().replace("'", "′")
    shown = latex2mathml.converter.convert(text, display="block" if block else "inline")
    self.body.append(f'<div class="math">{shown}</div>' if block else shown)
    raise nodes.SkipNode


def as_rst(app, what, name, kind, options, lines):
    """Let an indented example in a docstring be one."""
    text = re.sub(r"(?m)(?<=[^:]):\n\n(?= {4,}\S)", "::\n\n", "\n".join(lines))
    lines[:] = text.split("\n")


def without_fields(app, what, name, member, skip, options):
    """Leave out a named tuple's fields, which its docstring describes."""
    return True if type(member).__name__ == "_tuplegetter" else None


def setup(app):
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))
    # Before Napoleon, which reads the sections.
    app.connect("autodoc-process-docstring", as_rst, priority=100)
    app.connect("autodoc-skip-member", without_fields)
