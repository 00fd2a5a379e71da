// Sliders of ipywidgets have their words beside them, but no name that a screen reader would say: it is given here.
function render({ el }) {
  el.style.display = "none";
  function name() {
    for (const handle of document.querySelectorAll(".widget-slider .noUi-handle:not([aria-label])")) {
      const words = handle.closest(".widget-slider").querySelector(".widget-label")?.textContent.trim();
      if (words) handle.setAttribute("aria-label", words);
    }
  }
  const watch = new MutationObserver(name);
  watch.observe(document.body, { childList: true, subtree: true });
  name();
  return () => watch.disconnect();
}
export default { render };
