/* The pages' own behaviour. No dependency, no eval, no inline handlers. Pages work without it.
   Custom elements start themselves when htmx swaps them in, so nothing has to be initialised again. */
"use strict";

const live = document.getElementById("live");
const say = (text) => {
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = text; });
};

/* <ho-time datetime> : the server prints UTC; the reader's own time is one hover away. */
customElements.define("ho-time", class extends HTMLElement {
  connectedCallback() {
    const at = new Date(this.getAttribute("datetime"));
    if (Number.isNaN(at.getTime())) return;
    this.title = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
  }
});

/* <ho-chart data-series='{"x":["13:00"],"s":[{"n":"Granted","v":[4]}]}'> : read-out by pointer and arrow keys over a
   picture the server drew. */
customElements.define("ho-chart", class extends HTMLElement {
  connectedCallback() {
    const data = JSON.parse(this.dataset.series);
    const svg = this.querySelector("svg");
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    this.append(tip);
    let at = -1;
    const show = (index) => {
      at = Math.max(0, Math.min(data.x.length - 1, index));
      const lines = data.s.map((s) => Object.assign(document.createElement("div"), { textContent: `${s.n}: ${s.v[at]}` }));
      tip.replaceChildren(Object.assign(document.createElement("b"), { textContent: data.x[at] }), ...lines);
      tip.hidden = false;
      const picture = svg.getBoundingClientRect(), whole = this.getBoundingClientRect();
      const x = picture.left - whole.left + (picture.width * at) / Math.max(1, data.x.length - 1);
      tip.style.left = `${Math.min(Math.max(0, x - 60), Math.max(0, whole.width - 130))}px`;
    };
    const hide = () => { tip.hidden = true; };
    svg.addEventListener("pointermove", (event) => {
      const picture = svg.getBoundingClientRect();
      show(Math.round(((event.clientX - picture.left) / picture.width) * (data.x.length - 1)));
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      show(at + step);
      say(tip.innerText.replaceAll("\n", ", "));
    });
  }
});

/* Theme: light, dark, or what the system says. */
const system = matchMedia("(prefers-color-scheme: dark)");
const applyTheme = (choice) => {
  const root = document.documentElement;
  root.dataset.themeChoice = choice;
  root.dataset.bsTheme = choice === "system" ? (system.matches ? "dark" : "light") : choice;
  for (const button of document.querySelectorAll("[data-theme-choice-of]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoiceOf === choice));
  }
};
applyTheme(document.documentElement.dataset.themeChoice);
system.addEventListener("change", () => applyTheme(document.documentElement.dataset.themeChoice));

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-theme-choice-of],[data-copy]");
  if (!button) return;
  if (button.dataset.themeChoiceOf) {
    const choice = button.dataset.themeChoiceOf;
    try {
      if (choice === "system") localStorage.removeItem("ho-theme");
      else localStorage.setItem("ho-theme", choice);
    } catch { /* storage is refused: the choice holds for this page */ }
    applyTheme(choice);
    return;
  }
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
  say(live.dataset.copied);
});

/* "/" and Ctrl K go to the search box. */
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input,textarea,select");
  const wanted = (event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing);
  const box = document.getElementById("search");
  if (!wanted || !box || box.offsetParent === null) return;
  event.preventDefault();
  box.focus();
  box.select();
});

/* htmx: say that a region is busy, and what came back. Every event name of htmx is in this file. */
document.addEventListener("htmx:beforeRequest", (event) => event.detail.target.setAttribute("aria-busy", "true"));
document.addEventListener("htmx:afterRequest", (event) => event.detail.target.removeAttribute("aria-busy"));
document.addEventListener("htmx:afterSettle", (event) => {
  const region = event.detail.elt;
  const words = region.querySelector("[data-say]");
  if (words) say(words.dataset.say);
  const focus = region.querySelector("[data-focus]");
  if (focus) focus.focus();
});
document.addEventListener("htmx:sendError", () => say(live.dataset.unreachable));
document.addEventListener("htmx:responseError", () => say(live.dataset.failed));
