"""Sphinx configuration."""

import satmetrics

project = "satmetrics"
copyright = "2026, the satmetrics developers"
release = satmetrics.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
autosummary_generate = True
numpydoc_show_class_members = False
nb_execution_mode = "cache"
nb_execution_timeout = 300
myst_enable_extensions = ["dollarmath", "colon_fence"]
html_theme = "pydata_sphinx_theme"
html_title = "satmetrics"
exclude_patterns = ["_build"]
