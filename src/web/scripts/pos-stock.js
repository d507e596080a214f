// The stock of the store on the POS: what is left, selling an item out or again with one tap, setting its count.

import { call, listAll, path } from "./api.js";
import { ask, el, memo, notice } from "./dom.js";
import { number } from "./format.js";
import { category, explain, language, named, t } from "./language.js";

const state = { lines: /** @type {StockLine[]} */ ([]), items: /** @type {Map<string, MenuItem>} */ (new Map()) };
/** @type {Map<string, number | null>} */
const before = new Map(); // sku -> what was available when it was sold out here

/** Reads stock lines and names; a problem is told and leaves what was there. @param {import("./staff.js").Desk} desk */
export async function loadStock(desk) {
  try {
    const [stock, menu] = await Promise.all([
      listAll(`${path`/v1/stores/${desk.store.id}/stock`}?limit=500`, "stock"),
      call("GET", path`/v1/stores/${desk.store.id}/menu`, { open: true }),
    ]);
    state.lines = stock;
    state.items = new Map(menu.items.map((/** @type {MenuItem} */ item) => [item.sku, item]));
  } catch (problem) {
    notice(explain(problem), "bad");
  }
}

/** @param {string} sku */
const nameOf = (sku) => named(state.items.get(sku)?.name) || sku;

/** @param {import("./staff.js").Desk} desk @param {StockLine} line @param {number | null} available */
async function set(desk, line, available) {
  try {
    const now = await call("PUT", path`/v1/stores/${desk.store.id}/stock/${line.sku}`, { body: { available } });
    if (available === 0 && line.available !== 0) before.set(line.sku, line.available);
    state.lines = state.lines.map((one) => (one.sku === now.sku ? now : one));
  } catch (problem) {
    notice(explain(problem, nameOf), "bad");
  }
  desk.draw();
}

/** @param {import("./staff.js").Desk} desk @param {StockLine} line */
async function askCount(desk, line) {
  const out = line.available === 0;
  const proposed = out ? (before.has(line.sku) ? (before.get(line.sku) ?? "") : 10) : (line.available ?? "");
  const label = t(out ? "stock.back-title" : "stock.count-title", { item: nameOf(line.sku) });
  const answer = await ask(label, (close) =>
    el("form", { onsubmit: (/** @type {any} */ event) => { event.preventDefault(); close({ text: String(new FormData(event.target).get("available")) }); } },
      el("h2", {}, label),
      el("div", { class: "field" }, el("label", { for: "available" }, t("stock.how-many")), el("input", { id: "available", name: "available", type: "number", inputmode: "numeric", min: "0", max: "1000000", step: "1", value: proposed })),
      el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => close(null) }, t("cancel")), el("button", { class: "primary", type: "submit" }, t("stock.save")))));
  if (answer) await set(desk, line, answer.text === "" ? null : Number(answer.text));
}

/** @param {import("./staff.js").Desk} desk @param {StockLine} line */
function row(desk, line) {
  const out = line.available === 0;
  const item = state.items.get(line.sku);
  const name = nameOf(line.sku);
  return el("tr", {},
    el("th", { scope: "row" }, name, item ? el("span", { class: "muted small" }, ` ${category(item.category)}`) : null),
    el("td", { class: "number numbers" }, out ? el("span", { class: "tag bad" }, t("stock.is-out")) : line.available === null ? el("span", { class: "muted" }, t("stock.uncounted")) : number(line.available)),
    el("td", { class: "number numbers" }, number(line.reserved)),
    el("td", { class: "number numbers" }, number(line.sold)),
    el("td", { class: "stock-actions" },
      out ? null : el("button", { type: "button", class: "plain", "aria-label": `${t("stock.count")}: ${name}`, onclick: () => askCount(desk, line) }, t("stock.count")),
      el("button", { type: "button", class: out ? "" : "danger", "aria-label": `${t(out ? "stock.back" : "stock.sold-out")}: ${name}`, onclick: () => (out ? askCount(desk, line) : set(desk, line, 0)) }, t(out ? "stock.back" : "stock.sold-out"))));
}

/** @param {import("./staff.js").Desk} desk */
export function stockView(desk) {
  const order = [...state.items.keys()];
  const lines = [...state.lines].sort((a, b) => order.indexOf(a.sku) - order.indexOf(b.sku));
  return el("div", { class: "stock card" },
    el("table", {},
      el("thead", {}, el("tr", {}, ["item", "available", "reserved", "sold"].map((key) => el("th", { scope: "col", class: key === "item" ? "" : "number" }, t(`stock.${key}`))), el("th", { scope: "col" }, el("span", { class: "hidden-visually" }, t("stock.change"))))),
      el("tbody", {}, lines.map((line) => memo("tr", line.sku, `${line.available} ${line.reserved} ${line.sold} ${language()}`, () => row(desk, line))))));
}
