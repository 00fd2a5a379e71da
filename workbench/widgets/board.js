// Shows what the kernel writes, and tells the kernel which button was pressed. Keyboard focus survives a redraw.
function render({ model, el }) {
  const status = document.createElement("p");
  status.className = "wb-status";
  status.setAttribute("role", "status");
  const alert = document.createElement("p");
  alert.setAttribute("role", "alert");
  const body = document.createElement("div");
  body.className = "wb-board";
  el.append(status, alert, body);

  const mark = (button) =>
    button && ["row", "back", "copy"].map((key) => `${key}:${button.dataset[key]}`).join() +
      (button.closest(".wb-ranking")?.dataset.side ?? "");

  function draw() {
    const held = body.contains(document.activeElement) ? mark(document.activeElement) : null;
    body.innerHTML = model.get("html");
    if (held) [...body.querySelectorAll("button")].find((one) => mark(one) === held)?.focus();
  }
  function tell() {
    status.textContent = model.get("status");
    const problem = model.get("problem");
    alert.textContent = problem;
    alert.className = problem ? "wb-alert" : "";
    body.classList.toggle("wb-stale", problem !== "");
  }
  function press(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.row !== undefined) model.send({ row: Number(button.dataset.row) });
    if (button.dataset.back !== undefined) model.send({ back: Number(button.dataset.back) });
    if (button.dataset.copy !== undefined) {
      const code = button.parentElement.querySelector("pre").textContent;
      navigator.clipboard?.writeText(code).then(() => (button.textContent = "Copied"), () => {});
    }
  }
  draw();
  tell();
  body.addEventListener("click", press);
  model.on("change:html", draw);
  model.on("change:status", tell);
  model.on("change:problem", tell);
  return () => {
    model.off("change:html", draw);
    model.off("change:status", tell);
    model.off("change:problem", tell);
  };
}
export default { render };
