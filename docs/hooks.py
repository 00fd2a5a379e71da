"""What the documentation site needs beside its pages: files from the whole clone, lists that fill themselves, lean notebooks.

Whether every link leads somewhere is asked by tests/test_docs.py.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "CITATION.cff",
    "notebooks/*.ipynb",
    "figures/*.svg",
    "sweeps/*.yaml",
    "benchmarks/*.md",
    "data/README.md",
    "data/models/*/README.md",
)
# what nbconvert brings for a page of its own: styles and scripts (some from other hosts), buttons, a copy of each cell
BAGGAGE = (
    "style, script, .jp-Collapser, .celltoolbar, .zeroclipboard-container, .clipboard-copy-txt, .anchor-link"
)


def on_config(config):
    """Fills the navigation's empty lists: notebooks by number, the reference in reading order."""
    lists = {"Notebooks": "notebooks/*.ipynb", "Reference": "docs/reference/*.md"}
    for entry in config.nav:
        for title in lists.keys() & entry.keys():
            entry[title] = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob(lists[title]))]
    return config


@event_priority(100)  # before mkdocs-jupyter looks for notebooks
def on_files(files: Files, config) -> Files:
    """The clone's layout: pages of docs/ as docs/..., and beside them what they link to."""
    pages = {file.src_uri for file in files if Path(file.abs_src_path).is_relative_to(config.docs_dir)}
    kept = [
        f"docs/{file.src_uri}" for file in files if file.src_uri in pages and file.inclusion.is_included()
    ]
    kept += [path.relative_to(ROOT).as_posix() for name in OUTSIDE for path in ROOT.glob(name)]
    placed = [File(uri, str(ROOT), config.site_dir, config.use_directory_urls) for uri in sorted(kept)]
    return Files([*placed, *(file for file in files if file.src_uri not in pages)])


def on_page_markdown(markdown: str, page, **_) -> str:
    """A page of the reference: its modules in its own order, then those of its layers that it does not name."""
    modules = [name for layer in page.meta.get("layers", ()) for name in public_modules(layer)]
    named = re.findall(r"^::: (\S+)$", markdown, re.MULTILINE)
    page_and_rest = "\n\n".join([markdown, *(f"::: {name}" for name in modules if name not in named)])
    return re.sub(
        r"^::: (\S+)$", lambda entry: entry[0] + own_members(entry[1]), page_and_rest, flags=re.MULTILINE
    )


def own_members(module: str) -> str:
    """For a package: only what its own file defines; what it hands on is described where it is written."""
    file = ROOT / module.replace(".", "/") / "__init__.py"
    if not file.is_file():
        return ""
    body = ast.parse(file.read_text("utf-8")).body
    names = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return f"\n    options: {{members: {[name for name in names if name[0] != '_'] or 'false'}}}"


def public_modules(layer: str) -> list[str]:
    """workbench.LAYER and every module below it, but for names that start with an underscore."""
    package = ROOT / "workbench"
    paths = [package / f"{layer}.py", *sorted((package / layer).rglob("*.py"))]
    paths = [path for path in paths if path.is_file() and (path.parent / "__init__.py").is_file()]
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths
    ]
    return [name for name in names if "._" not in name]


def on_page_content(html: str, page, **_) -> str:
    """A notebook as part of the site: its own styles and scripts gone, code as the theme shows it, links that work here."""
    if not page.file.src_uri.endswith(".ipynb"):
        return html
    soup = BeautifulSoup(html, "html.parser")
    for tag in soup.select(BAGGAGE):
        tag.decompose()
    for cell in soup.select("[tabindex]"):
        del cell["tabindex"]
    for box in soup.select("div.highlight-ipynb"):
        box["class"] = ["language-python", "highlight"]
        code = soup.new_tag("code")
        code.extend(list(box.pre.contents))
        box.pre.append(code)
    for link in soup.select("a[href]"):
        link["href"] = in_the_site(link["href"])
    return str(soup)


def in_the_site(target: str) -> str:
    """A notebook's link to a notebook or page of the clone, as the address of the page that the site makes of it.

    >>> in_the_site("11_reading_failures.ipynb#Won-and-lost"), in_the_site("../data/README.md")
    ('11_reading_failures.html#won-and-lost', '../data/index.html')
    """
    url = urlsplit(target)
    path = PurePosixPath(url.path)
    if url.scheme or (url.path and path.suffix not in (".ipynb", ".md")):
        return target
    page = url.path and str(path.with_name("index.html" if path.stem == "README" else f"{path.stem}.html"))
    return url._replace(path=page, fragment=url.fragment.lower()).geturl()
