// What every page has: the header with language switch and connection, the skip link, the title.

import { el, render, announce } from "./dom.js";
import { t, onLanguage, switchLanguage } from "./language.js";

/**
 * Keeps header and title. `page` is a key such as "page.pos"; `extra()` gives further header elements; `push` (a
 * function, as it may come later) gives the connection shown, `state()` what a page shows instead; `redraw` is called after
 * a language switch.
 * @param {{ page: string, extra?: () => Child, push?: () => any, state?: () => Child, redraw: () => void }} parts
 */
export function startShell({ page, extra = () => null, push = () => null, state = () => connection(push()), redraw }) {
  const top = /** @type {HTMLElement} */ (document.getElementById("top"));
  const skip = /** @type {HTMLElement} */ (document.getElementById("skip"));
  let shown = "";

  function draw() {
    skip.textContent = t("skip");
    render(
      top,
      el("a", { class: "brand", href: page === "page.customer" || page === "page.dashboard" ? "#/" : location.pathname }, el("img", { src: top.dataset.logo, alt: "", width: "28", height: "28" }), el("span", { class: "brand-name" }, t("brand")), " ", el("span", { class: "muted" }, t(page))),
      state(),
      el("span", { class: "push-right row" }, extra(), el("button", { class: "plain", type: "button", lang: t("language.switch") === "English" ? "en" : "zh-CN", onclick: switchLanguage }, t("language.switch"))),
    );
  }

  // Read out only when it changes for the worse or back: a clock that counts seconds aloud helps nobody.
  /** @param {string} state */
  function changed(state) {
    draw();
    if (state === "lost" && shown === "live") announce(t("connection.was-lost"));
    if (state === "live" && shown === "lost") announce(t("connection.is-back"));
    if (state === "live" || state === "lost") shown = state;
  }

  setInterval(() => push()?.state === "lost" && draw(), 1000);
  onLanguage(() => {
    draw();
    redraw();
  });
  draw();
  return { draw, changed };
}

/** @param {any} push */
function connection(push) {
  const state = push?.state ?? "idle";
  if (state === "idle") return null;
  const seconds = push.lastHeard === null ? null : Math.round((Date.now() - push.lastHeard) / 1000);
  const key = state === "lost" && seconds === null ? "connection.lost-never" : `connection.${state}`;
  return el("span", { class: "connection numbers", "data-state": state }, t(key, { seconds }));
}

/** The page's title, so that a tab in the background tells what matters. @param {string} text */
export function title(text) {
  document.title = text ? `${text} · ${t("brand")}` : t("brand");
}
