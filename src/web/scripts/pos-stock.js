// The stock of the store on the POS: what is left, and selling an item out or again with one tap.

import { call, listAll, path } from "./api.js";
import { ask, el, notice } from "./dom.js";
import { category, explain, named, t } from "./language.js";

const state = { lines: [], items: new Map() };
const before = new Map(); // sku -> what was available when it was sold out here

/** Reads stock lines and names; a problem is told and leaves what was there. */
export async function loadStock(desk) {
  try {
    const [stock, menu] = await Promise.all([
      listAll(`${path`/v1/stores/${desk.store.id}/stock`}?limit=500`, "stock"),
      call("GET", path`/v1/stores/${desk.store.id}/menu`, { open: true }),
    ]);
    state.lines = stock;
    state.items = new Map(menu.items.map((item) => [item.sku, item]));
  } catch (problem) {
    notice(explain(problem), "bad");
  }
}

const nameOf = (sku) => named(state.items.get(sku)?.name) || sku;

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

async function sellAgain(desk, line) {
  const proposed = before.has(line.sku) ? (before.get(line.sku) ?? "") : 10;
  const label = t("stock.back-title", { item: nameOf(line.sku) });
  const answer = await ask(label, (close) =>
    el("form", { onsubmit: (event) => { event.preventDefault(); close({ text: new FormData(event.target).get("available") }); } },
      el("h2", {}, label),
      el("div", { class: "field" }, el("label", { for: "available" }, t("stock.how-many")), el("input", { id: "available", name: "available", type: "number", inputmode: "numeric", min: "1", max: "1000000", step: "1", value: proposed })),
      el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => close(null) }, t("cancel")), el("button", { class: "primary", type: "submit" }, t("stock.save")))));
  if (answer) await set(desk, line, answer.text === "" ? null : Number(answer.text));
}

export function stockView(desk) {
  const order = [...state.items.keys()];
  const lines = [...state.lines].sort((a, b) => order.indexOf(a.sku) - order.indexOf(b.sku));
  return el("div", { class: "stock card" },
    el("table", {},
      el("thead", {}, el("tr", {}, ["item", "available", "reserved", "sold"].map((key) => el("th", { scope: "col", class: key === "item" ? "" : "number" }, t(`stock.${key}`))), el("th", {}, el("span", { class: "hidden-visually" }, t("stock.sold-out"))))),
      el("tbody", {}, lines.map((line) => {
        const out = line.available === 0;
        const item = state.items.get(line.sku);
        return el("tr", { "data-key": line.sku },
          el("th", { scope: "row" }, nameOf(line.sku), item ? el("span", { class: "muted small" }, ` ${category(item.category)}`) : null),
          el("td", { class: "number numbers" }, out ? el("span", { class: "tag bad" }, t("stock.is-out")) : line.available === null ? el("span", { class: "muted" }, t("stock.uncounted")) : line.available),
          el("td", { class: "number numbers" }, line.reserved),
          el("td", { class: "number numbers" }, line.sold),
          el("td", {}, el("button", { type: "button", class: out ? "" : "danger", "aria-label": `${t(out ? "stock.back" : "stock.sold-out")}: ${nameOf(line.sku)}`, onclick: () => (out ? sellAgain(desk, line) : set(desk, line, 0)) }, t(out ? "stock.back" : "stock.sold-out"))));
      }))));
}
