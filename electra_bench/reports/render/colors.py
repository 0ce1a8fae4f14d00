"""Colours of pictures that follow the theme of a page."""

INK, QUIET, LINE, ACCENT = "#1b1e23", "#5b6472", "#dde1e7", "#1f5fae"
# Behind names, so that they are read on lines.
PAGE = "#fefefe"
OF_THEME = {
    INK: "var(--ink)",
    QUIET: "var(--quiet)",
    LINE: "var(--line)",
    ACCENT: "var(--accent)",
    PAGE: "var(--page)",
}
