// Stores: the worst of the country by wait or by rejections, all of one region, and one store with its orders.

import { path } from "./api.js";
import { el } from "./dom.js";
import { clock } from "./format.js";
import { named, t } from "./language.js";
import { app, regionOf, summary } from "./dashboard-app.js";
import { count, share, span, sum } from "./dashboard-format.js";
import { waiting } from "./dashboard-header.js";
import { bar, cell, crumbs, head, panel, picker, table } from "./dashboard-parts.js";
import { figures, openNote, openSum } from "./dashboard-figures.js";
import { ordersPanel, wantedOrders } from "./dashboard-orders.js";
import { choices } from "./dashboard-url.js";

const RANKED = 8;
const RANKING_EVERY_MS = 15_000;
const STORE_EVERY_MS = 5_000;
const ROWS = 100;

/** @param {string} region */
export const storesPath = (region) => path`/v1/regions/${region}/stores`;

/** Stores of all regions, asked for only where the ranking can be seen. */
export function wantedRanking() {
  const box = document.getElementById("panel-ranking")?.getBoundingClientRect();
  if (!box || box.top > innerHeight * 1.5 || box.bottom < -innerHeight / 2) return [];
  return app.regions.map((one) => ({ path: storesPath(one.region), every: RANKING_EVERY_MS }));
}

/** What stores are ranked by. @type {Record<string, { of: (store: Hq.Store) => number, text: (store: Hq.Store) => string, note: (store: Hq.Store) => string }>} */
const MEASURES = {
  wait: { of: (store) => store.wait_minutes ?? 0, text: (store) => (store.wait_minutes === undefined ? "–" : t("wait.minutes", { minutes: count(store.wait_minutes) })), note: (store) => t("wait.mean", { span: span(store.today.wait_seconds) }) },
  rejected: { of: (store) => store.today.rejected, text: (store) => count(store.today.rejected), note: (store) => t("rejected.share", { share: share(store.today.rejected, store.today.paid) }) },
  orders: { of: (store) => store.today.placed, text: (store) => count(store.today.placed), note: (store) => t("open.count", { count: count(openSum(store.open_orders)) }) },
};

/** @param {string} by */
const byMeasure = (by) => (/** @type {Hq.Store} */ a, /** @type {Hq.Store} */ b) => MEASURES[by].of(b) - MEASURES[by].of(a) || a.id.localeCompare(b.id);

/** The stores with the longest wait, or the most rejections. */
export function ranking() {
  const { by } = app.place;
  const measure = MEASURES[by];
  const answers = app.regions.map((one) => /** @type {[string, Hq.Store[] | undefined]} */ ([one.region, app.feed.of(storesPath(one.region))?.data?.stores]));
  const stores = answers.flatMap(([region, found]) => (found ?? []).map((store) => ({ ...store, region })));
  const missing = answers.some(([, found]) => found === undefined);
  const worst = stores.filter((store) => measure.of(store) > 0).sort(byMeasure(by)).slice(0, RANKED);
  const most = Math.max(1, ...worst.map(measure.of));
  return panel("ranking", t("ranking.title"), picker("by", choices("by"), (value) => t(`by.${value}`), t("ranking.by"), { quiet: true }),
    worst.length === 0
      ? el("p", { class: "nothing" }, missing && app.regions.length > 0 ? waiting() : t(`ranking.none-${by}`))
      : el("ol", { class: "rows ranking" }, worst.map((store) =>
        el("li", { "data-key": `${store.region}/${store.id}`, "data-testid": `rank-${store.id}` },
          el("a", { class: "rank-name", href: app.link({ view: "store", region: store.region, store: store.id }) }, store.name),
          el("span", { class: "muted small rank-place" }, `${store.city} · ${store.region}`),
          el("strong", { class: "numbers rank-figure" }, measure.text(store)),
          el("span", { class: "muted small numbers rank-note" }, measure.note(store)),
          bar(measure.of(store) / most)))));
}

/** Whether a store takes orders, by word. @param {Hq.Store} store */
function storeState(store) {
  if (!store.open) return el("span", { class: "tag" }, t("stores.closed"));
  if (store.accepting) return t("store.selling");
  const until = store.paused?.until ? t("store.until", { time: clock(store.paused.until) }) : "";
  return el("span", { class: "tag warn" }, [t("stores.paused"), until, store.paused?.reason].filter(Boolean).join(" · "));
}

/** @param {Hq.Store} store @param {string} region */
function row(store, region) {
  return el("tr", { role: "row", "data-key": store.id, "data-testid": `store-${store.id}` },
    el("th", { role: "rowheader", scope: "row" },
      el("a", { class: "row-link", href: app.link({ view: "store", region, store: store.id }) }, store.name), el("span", { class: "muted small" }, ` ${store.city} · ${store.id}`)),
    cell(t("store.state"), storeState(store), "wide"),
    cell(t("store.wait"), MEASURES.wait.text(store), "number"),
    cell(t("store.wait-today"), span(store.today.wait_seconds), "number"),
    cell(t("store.open"), count(openSum(store.open_orders)), "number"),
    cell(t("store.orders"), count(store.today.placed), "number strong"),
    cell(t("store.revenue"), sum(store.today.revenue, regionOf(region)?.currency ?? summary().currency), "number"),
    cell(t("store.rejected"), count(store.today.rejected), "number"),
    cell(t("store.stock-outs"), count(store.stock_outs.length), store.stock_outs.length > 0 ? "number warn" : "number"));
}

/** All stores of a region, searched and sorted by the address. @param {import("./dashboard-feed.js").Answer | undefined} answer @param {string} region */
export function storesPanel(answer, region) {
  const { by, q } = app.place;
  const sought = q.trim().toLowerCase();
  /** @type {Hq.Store[]} */
  const all = answer?.data?.stores ?? [];
  const found = all.filter((store) => !sought || [store.name, store.city, store.id].some((text) => text.toLowerCase().includes(sought))).sort(byMeasure(by));
  const shown = found.slice(0, ROWS);
  const tools = [
    el("input", { class: "search", type: "search", value: q, placeholder: t("stores.search"), "aria-label": t("stores.search"), oninput: (/** @type {any} */ event) => app.go({ q: event.target.value }, { replace: true }) }),
    picker("by", choices("by"), (value) => t(`by.${value}`), t("ranking.by")),
  ];
  const columns = [
    head(t("store.name")), head(t("store.state")), head(t("store.wait"), "number", by === "wait" ? "descending" : undefined), head(t("store.wait-today"), "number"), head(t("store.open"), "number"),
    head(t("store.orders"), "number", by === "orders" ? "descending" : undefined), head(t("store.revenue"), "number"), head(t("store.rejected"), "number", by === "rejected" ? "descending" : undefined), head(t("store.stock-outs"), "number"),
  ];
  return panel("stores", t("stores-of.title", { count: answer?.data ? count(all.length) : "" }), tools,
    answer?.data
      ? [shown.length === 0 ? el("p", { class: "nothing" }, t("stores.none")) : table(t("stores-of.title", { count: count(all.length) }), columns, shown.map((store) => row(store, region))),
        found.length > ROWS ? el("p", { class: "muted small" }, t("stores.cut", { shown: count(ROWS), all: count(found.length) })) : null]
      : el("p", { class: "nothing" }, waiting(answer)));
}

export const wantedStore = () => [{ path: storesPath(app.place.region), every: STORE_EVERY_MS }, ...wantedOrders(app.place)];

/** The name of what is sold out, where the country's list holds it. @param {string} sku @param {string} store @param {string} region */
const itemName = (sku, store, region) => named(summary().stock_outs.find((one) => one.sku === sku && one.store === store && one.region === region)?.name) || sku;

export function storeView() {
  const { region, store: id } = app.place;
  const answer = app.feed.of(storesPath(region));
  const store = /** @type {Hq.Store[]} */ (answer?.data?.stores ?? []).find((one) => one.id === id);
  const way = crumbs([[region, { view: "region", region }]], store?.name ?? id, store ? [el("span", { class: "muted" }, `${store.city} · ${store.id}`), storeState(store)] : null);
  if (!store) {
    const text = answer?.data ? t("store.unknown", { name: id }) : waiting(answer);
    return [way, el("p", { class: "empty", "data-key": "none" }, text)];
  }
  return [
    way,
    figures({ today: store.today, currency: regionOf(region)?.currency ?? summary().currency, open: openSum(store.open_orders), openNote: openNote(store.open_orders) }),
    store.stock_outs.length > 0 ? el("p", { class: "banner warn", "data-key": "stock-outs" }, t("store.sold-out", { items: store.stock_outs.map((sku) => itemName(sku, store.id, region)).join(", ") })) : null,
    ordersPanel(app.place),
  ];
}
