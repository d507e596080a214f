// Keys for people who never look at the keyboard: one letter an action, shown in a bar at the foot of the page.

import { el } from "./dom.js";
import { t } from "./language.js";

/** @typedef {{ key: string, shown?: string, label: string, run: (key: string) => void }} Key `key` may be "1-9" for all digits; without a label it is not shown */

/** Calls what a key stands for, unless somebody writes or answers a question. @param {() => Key[]} keys */
export function listenToKeys(keys) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest("input, textarea, select")) return;
    const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const digit = /^[1-9]$/.test(pressed);
    const found = keys().find(({ key }) => key === pressed || (key === "1-9" && digit));
    if (!found) return;
    event.preventDefault();
    if (!event.repeat) found.run(pressed);
  });
}

/** The bar that says which key does what. @param {Key[]} keys */
export function keyBar(keys) {
  return el("footer", { class: "keys", "aria-label": t("keys.title"), "data-key": "keys" }, keys.filter(({ label }) => label !== "").map(({ key, shown, label }) =>
    el("span", {}, el("kbd", {}, shown ?? key.toUpperCase()), " ", t(label))));
}
