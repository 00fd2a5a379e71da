"""What the tests do on a page: open, run, look, move a slider by keyboard."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page, expect

from workbench.paths import runs_root

PICTURES = runs_root() / "browser"
PATIENCE = 60_000  # ms until a page shows what it should: a busy machine is no failure

# Complaints of others' code that change nothing that is shown, each with its reason.
KNOWN = (
    "Ignoring draw call",  # jupyter-scatter, of points that come while it draws: `drawing` sends them again
)


@dataclass
class Screen:
    """A page, and what its console complained about."""

    page: Page
    server: object
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        self.page.on("console", lambda message: message.type == "error" and self._hear(message.text))
        self.page.on("pageerror", lambda error: self._hear(str(error)))

    def _hear(self, text: str) -> None:
        if not any(known in text for known in KNOWN):
            self.complaints.append(text)

    def __getattr__(self, name: str):
        return getattr(self.page, name)

    def shows(self, selector: str, text: str | re.Pattern) -> None:
        expect(self.page.locator(selector).first).to_contain_text(text)

    def count(self, selector: str, number: int) -> None:
        expect(self.page.locator(selector)).to_have_count(number)

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def tab(self, title: str) -> None:
        """A tab of the app, by keyboard."""
        tab = self.page.get_by_role("tab", name=title)
        tab.focus()
        tab.press("Enter")
        expect(tab).to_have_attribute("aria-selected", "true")

    def home(self, *sliders: str) -> None:
        """Sliders back to their least, by keyboard."""
        for slider in sliders:
            self.page.locator(f"{slider} .noUi-handle").press("Home")

    def step(self, slider: Locator, times: int = 1) -> None:
        """A slider some steps to the right, by keyboard; waits for what it reads."""
        handle, before = slider.locator(".noUi-handle"), slider.locator(".widget-readout").inner_text()
        handle.focus()
        for _ in range(times):
            handle.press("ArrowRight")
        expect(slider.locator(".widget-readout")).not_to_have_text(before)


NAMELESS = """() => {
  const controls = document.querySelectorAll("input, select, textarea, button, [role=slider], [role=tab]");
  const seen = [...controls].filter((one) => one.offsetParent !== null && one.type !== "hidden");
  const name = (one) =>
    one.getAttribute("aria-label") || one.title || one.textContent.trim() || one.labels?.[0]?.textContent.trim() ||
    document.getElementById(one.getAttribute("aria-labelledby"))?.textContent.trim() || one.placeholder;
  return seen.filter((one) => !name(one)).map((one) => one.outerHTML.slice(0, 200));
}"""
