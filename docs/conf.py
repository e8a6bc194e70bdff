"""How the site is built: ``sphinx-build -W --keep-going docs docs/_build/html``."""

import os
import sys
import warnings
from pathlib import Path
from pprint import pformat

# TensorFlow prints its first lines in any case; this keeps it to those.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The build of a clone documents that clone, not what is installed.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
# And so do the programs that its examples start.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")])
)

import api_groups
import pages
from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml

from sphinx import addnodes
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging

import skmlclf

logger = logging.getLogger(__name__)

ADDRESSES = {
    name.rpartition(".")[2]: f"skmlclf.{name}"
    for group in api_groups.GROUPS
    for name in group.names
}

project = "skmlclf"
author = "the skmlclf developers"
project_copyright = f"2026, {author}"
version = release = skmlclf.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_generated", "auto_examples/**/*.md5"]
templates_path = ["_templates"]
# Single backticks are references where there is something to refer to, and code everywhere else.
default_role = "py:obj"
add_module_names = False
# Curly quotes would turn wrong ways in types such as default="auto".
smartquotes = False
toc_object_entries_show_parents = "hide"
suppress_warnings = [
    "config.cache",  # the order of the gallery is a class, which Sphinx cannot store
]

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_imported_members = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    # Others are shown without being run: they need more machines than one, or another library.
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "doc_module": ("skmlclf",),
    "backreferences_dir": "api/backreferences",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "capture_repr": (),
    "show_signature": False,
    "show_memory": False,
    "min_reported_time": 1,
    # The pages of times need scripts from a network.
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skmlclf {version}"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["skmlclf.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "skmlclf"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": []}
html_context = {"default_mode": "auto"}

# matplotlib is drawn on without a screen.
warnings.filterwarnings("ignore", message=".*non-GUI|.*non-interactive", category=UserWarning)


def leave_inherited_members_out(app, what, name, member, skip, options):
    """Keep members of scikit-learn's and Keras' classes to one line: they document them."""
    function = getattr(member, "fget", member)
    module = getattr(function, "__module__", None)
    if module is not None and not module.startswith("skmlclf"):
        return True
    return None


def describe_constants(app, what, name, value, options, lines):
    """Show the text below a constant, which is in the module that its package imports it from."""
    package, _, constant = name.rpartition(".")
    if what != "data":
        return
    for module in [module for module in sys.modules if module.startswith(f"{package}.")]:
        text = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", constant))
        if text:
            # Sphinx would sort a dictionary, whose order may matter.
            code = f">>> {constant}\n{pformat(value, sort_dicts=False)}".splitlines()
            lines[:] = [*text, "", *code, ""]


def visit_formula(translator, node):
    """Write MathML, which browsers show by themselves: no page needs a script from a network."""
    as_block = isinstance(node, nodes.math_block)
    try:
        translator.body.append(tex2mathml(node.astext(), as_block=as_block))
    except MathError as error:
        logger.warning("%s in %r", error, node.astext(), location=node)
    raise nodes.SkipNode


def link_public_names(app, doctree):
    """Let code that is a public name lead to its page of the reference."""
    for literal in list(doctree.findall(nodes.literal)):
        address = ADDRESSES.get(literal.astext())
        if address and not isinstance(literal.parent, nodes.reference | addnodes.pending_xref):
            target = {"refdomain": "py", "reftype": "obj", "reftarget": address}
            link = addnodes.pending_xref("", refdoc=app.env.docname, refwarn=True, **target)
            literal.replace_self(link)
            link += literal


def setup(app):
    """Write the pages that follow from the code, and choose what is shown of a class."""
    pages.write_all()
    app.add_html_math_renderer("mathml", (visit_formula, None), (visit_formula, None))
    app.connect("autodoc-skip-member", leave_inherited_members_out)
    app.connect("autodoc-process-docstring", describe_constants)
    app.connect("doctree-read", link_public_names)
