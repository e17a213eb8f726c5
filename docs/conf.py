"""How the pages of this folder become a site: `make docs`."""

from bridge import __version__

project = "video-bridge"
copyright = "the video-bridge maintainers"
version = release = __version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# Pages are read on code hosts, too: there a link to a file of the repository leads to it, here it has no page.
suppress_warnings = ["myst.xref_missing"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "video-bridge"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"light_css_variables": {"color-brand-primary": "#0b57c2", "color-brand-content": "#0b57c2"}}
