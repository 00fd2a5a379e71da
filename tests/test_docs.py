"""The documentation: every link leads somewhere, no module, page or word is forgotten, and the site builds without a network."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from markdown.extensions.toc import unique
from pymdownx.slugs import slugify

from tests.test_architecture import LAYERS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
PROSE = [
    *PAGES,
    *sorted(ROOT.glob("*.md")),
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "data").rglob("README.md")),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
]
LINK = re.compile(r"\[[^\]]*\]\(\s*([^)\s]+)[^)]*\)|(?:href|src)=\"([^\"]+)\"")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str:
    if path.suffix != ".ipynb":
        return path.read_text("utf-8")
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def prose_of(path: Path) -> str:
    """The text without its code."""
    return re.sub(r"^```.*?^```$|`[^`\n]*`", "", text_of(path), flags=re.MULTILINE | re.DOTALL)


def links_of(path: Path) -> list[str]:
    return [first or second for first, second in LINK.findall(prose_of(path))]


@cache
def anchors_of(path: Path) -> set[str]:
    """What may stand behind # in a link to this file, as JupyterLab or the site names its headings."""
    text = re.sub(r"^```.*?^```$", "", text_of(path), flags=re.MULTILINE | re.DOTALL)
    headings = [
        re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    ]
    if path.suffix == ".ipynb":
        return {heading.strip().replace(" ", "-") for heading in headings}
    slug, seen = slugify(case="lower"), set()
    return {unique(slug(heading, "-"), seen) for heading in headings}


def problem_with(link: str, source: Path) -> str | None:
    """Why a link leads nowhere; None where it does not."""
    url = urlsplit(link)
    if url.scheme or url.netloc:
        fine = url.scheme in ("http", "https") and re.fullmatch(r"[\w-]+(\.[\w-]+)+", url.netloc)
        return None if fine else "is no address"
    target = (source.parent / unquote(url.path)).resolve() if url.path else source
    if not target.is_relative_to(ROOT) or not target.is_file():
        return "leads to no file"
    if url.fragment and unquote(url.fragment) not in anchors_of(target):
        return f"leads to no heading; there are {', '.join(sorted(anchors_of(target)))}"
    return None


@pytest.mark.parametrize("path", PROSE, ids=named)
def test_links_lead_somewhere(path):
    wrong = [f"{link} {why}" for link in links_of(path) if (why := problem_with(link, path))]
    assert not wrong, wrong


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    page, other = DOCS / "numbers.md", "../notebooks/00_start_here.ipynb"
    assert problem_with("nowhere.md", page) == "leads to no file"
    assert problem_with("../../../etc/hostname", page) == "leads to no file"
    assert "no heading" in problem_with("#nothing-of-the-kind", page)
    assert "no heading" in problem_with(f"{other}#Nothing", page)
    assert problem_with(f"{other}#The-map", page) is None
    assert problem_with("https://example", page) == "is no address"
    assert problem_with("javascript:alert(1)", page) == "is no address"


def test_anchors_are_those_of_the_site():
    assert {"a-method", "a-query-part"} <= anchors_of(ROOT / "CONTRIBUTING.md")


def navigation() -> list:
    config = (ROOT / "mkdocs.yml").read_text("utf-8")
    return yaml.safe_load(re.search(r"^nav:\n(.*?)^\S", config, re.MULTILINE | re.DOTALL)[1])


def test_every_page_is_in_the_navigation():
    listed = [page for entry in navigation() for page in next(iter(entry.values()))]
    written = [named(path) for path in PAGES if path.parent.name != "reference"]
    assert sorted(page for page in listed if page.startswith("docs/")) == written


def front_matter(path: Path) -> dict:
    return yaml.safe_load(path.read_text("utf-8").split("---")[1])


def test_the_reference_has_every_layer_once_and_names_only_modules_that_exist():
    pages = sorted((DOCS / "reference").glob("*.md"))
    layers = [layer for page in pages for layer in front_matter(page)["layers"]]
    there = {path.stem for path in (ROOT / "workbench").glob("[!_]*.py")} | {
        path.parent.name for path in (ROOT / "workbench").glob("*/__init__.py")
    }
    assert len(layers) == len(set(layers))
    assert there <= set(layers) <= {name for layer in LAYERS for name in layer}, "see docs/reference"
    for module in re.findall(r"^::: (\S+)", "\n".join(map(text_of, pages)), re.MULTILINE):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file(), module


def rows(text: str) -> dict[str, str]:
    """First and second column of the tables in a text."""
    cells = re.findall(r"^\| *([^|]+?) *\| *([^|]+?) *\|", text, re.MULTILINE)
    return {first: second for first, second in cells if not set(first) <= set("-:")}


def test_the_glossary_has_every_word_that_a_notebook_explains():
    words = rows(text_of(DOCS / "glossary.md"))
    missing = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        section = re.search(r"^## Words used here$(.*?)(?=^## |\Z)", text_of(path), re.MULTILINE | re.DOTALL)
        for word in rows(section[1]) if section else ():
            if word not in words and word != "word":
                missing[word] = path.name
    assert not missing


def helper(name: str):
    """A module of docs/, which is no package."""
    spec = spec_from_file_location(name, DOCS / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["hooks", "docstrings"])
def test_examples_of_the_helpers_hold(name):
    failed, attempted = doctest.testmod(helper(name))
    assert attempted and not failed


def test_only_what_is_set_in_columns_or_indented_is_fenced():
    fenced = helper("docstrings").fenced
    assert fenced("one   word\nand   two") == "```text\none   word\nand   two\n```"
    assert fenced("a wide   gap\nand none") == "a wide   gap\nand none"
    assert fenced("    a = 1\n\n    b = 2") == "```text\na = 1\n\nb = 2\n```"
    assert fenced(">>> 1 + 1\n2\n\nDone.") == "```pycon\n>>> 1 + 1\n2\n```\n\nDone."


def test_the_reference_has_every_module_that_is_not_private():
    modules = helper("hooks").public_modules("score")
    assert {"workbench.score", "workbench.score.ranks"} <= set(modules)
    page = SimpleNamespace(meta={"layers": ["score"]})
    written = helper("hooks").on_page_markdown("# Title\n\n::: workbench.score.ranks", page)
    assert sorted(re.findall(r"^::: (\S+)$", written, re.MULTILINE)) == sorted(modules)
    assert written.index("score.ranks") < written.index("score.similarities")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@cache
def tags_at(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Every tag of a page with its attributes; by pattern, since a parser takes a minute for the whole site."""
    tags = re.findall(r"<(\w+)(\s[^<>]*)>", path.read_text("utf-8"))
    return [(name, dict(re.findall(r"([\w-]+)=\"([^\"]*)\"", rest))) for name, rest in tags]


@cache
def ids_at(path: Path) -> set[str]:
    return {attributes["id"] for _, attributes in tags_at(path) if "id" in attributes}


def leads(link: str, source: Path) -> bool:
    url = urlsplit(link)
    target = (source.parent / unquote(url.path)).resolve() if url.path else source
    if not target.is_file():
        return False
    if not url.fragment or target.suffix != ".html" or url.fragment.startswith("__"):
        return True
    return unquote(url.fragment) in ids_at(target)


@pytest.mark.slow
def test_the_site_asks_no_other_host_for_anything_and_its_links_lead_somewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > len(PAGES) + len(list((ROOT / "notebooks").glob("*.ipynb")))
    wrong = []
    for path in pages:
        tags = tags_at(path)
        assets = [more["src"] for _, more in tags if "src" in more]
        assets += [more["href"] for name, more in tags if name == "link" and "href" in more]
        wrong += [f"{path.name}: {asset}" for asset in assets if urlsplit(asset).netloc]
        links = [more["href"] for name, more in tags if name == "a" and "href" in more]
        here = {link for link in [*assets, *links] if not urlsplit(link).scheme}
        if path.name != "404.html":  # its links start at the root of whatever server it lies on
            wrong += [f"{path.name}: {link}" for link in here if not leads(link, path)]
    assert not wrong
    assert not leads("nowhere.html", site / "index.html") and not leads("#nowhere", site / "index.html")
    styles = "".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert not re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)]*", styles)


def page_at(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


@pytest.mark.slow
def test_notebooks_are_part_of_the_site_with_their_figures(site):
    for book in sorted((ROOT / "notebooks").glob("*.ipynb")):
        soup = page_at(site / "notebooks" / f"{book.stem}.html")
        article = soup.select_one("article")
        shown = [image["src"] for image in article.select("img")]
        assert shown == re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", text_of(book))
        assert all((site / "notebooks" / source).resolve().is_file() for source in shown)
        assert not article.select("style, script")
        source = json.loads(book.read_text("utf-8"))["cells"]
        assert len(article.select(".highlight code")) >= sum(cell["cell_type"] == "code" for cell in source)


@pytest.mark.slow
def test_formulas_and_examples_keep_their_lines(site):
    methods = page_at(site / "docs" / "reference" / "07-methods.html")
    blocks = [block.get_text() for block in methods.select("pre")]
    assert any("PDV-T:  before + alpha_text  direction\nPDV-I:" in block for block in blocks)
    data = page_at(site / "docs" / "reference" / "01-foundations.html")
    assert any(block.get_text().startswith(">>> ") for block in data.select("pre"))
