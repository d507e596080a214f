// Orders: a list by region, store, status and time of creation, the newest first, and one order with lines and history.
// The list keeps still while somebody reads on in it; a button fetches it anew.

import { call, path } from "./api.js";
import { el, notice, once } from "./dom.js";
import { clock, money } from "./format.js";
import { explain, hasWords, named, t } from "./language.js";
import { app } from "./dashboard-app.js";
import { count, fromInput, moment, span, toInput } from "./dashboard-format.js";
import { waiting } from "./dashboard-header.js";
import { cell, crumbs, head, panel, table, worded } from "./dashboard-parts.js";
import { choices } from "./dashboard-url.js";

const EVERY_MS = 4_000;
const LIMIT = 50;
const LISTS_KEPT = 8;

/** What was added to a list by "show more": path of its first page -> {orders, next}. @type {Map<string, { orders: Hq.Order[], next: string | null }>} */
const further = new Map();

/** @param {Hq.Place} place */
function ordersPath(place) {
  const query = new URLSearchParams();
  for (const name of /** @type {const} */ (["region", "store", "status", "from", "to"])) if (place[name]) query.set(name, place[name]);
  query.set("limit", String(LIMIT));
  return `/v1/orders?${query}`;
}

/** A list that somebody has read on in is not asked for again by itself. @param {Hq.Place} place */
const held = (place) => further.has(ordersPath(place)) || document.activeElement?.closest?.(".orders tbody");

/** @param {Hq.Place} place @returns {Hq.Wanted[]} */
export const wantedOrders = (place) => [{ path: ordersPath(place), every: held(place) ? Infinity : EVERY_MS }];

const readOn = once(async (/** @type {string} */ first, /** @type {string} */ cursor) => {
  try {
    const page = await call("GET", `${first}&cursor=${encodeURIComponent(cursor)}`);
    const known = further.get(first)?.orders ?? [];
    further.delete(first);
    further.set(first, { orders: [...known, ...page.orders], next: page.next_cursor ?? null });
    if (further.size > LISTS_KEPT) further.delete([...further.keys()][0]);
  } catch (problem) {
    further.delete(first);
    notice(explain(problem), "bad");
  }
  app.draw();
});

/** @param {string} first */
function begin(first) {
  further.delete(first);
  app.feed.again(first);
  app.draw();
}

/** @type {Record<string, string>} */
const KINDS = { collected: "good", ready: "good", rejected: "bad", paid: "warn", accepted: "accent" };

/** @param {string} status */
const statusTag = (status) => {
  return el("span", { class: `tag ${KINDS[status] ?? ""}` }, hasWords(`hq.${status}`) ? t(`hq.${status}`) : status);
};

/** @param {Hq.Place} place */
function filters(place) {
  const field = (/** @type {string} */ name, /** @type {string} */ label, /** @type {Child} */ control, kind = "") => el("div", { class: `field ${kind}` }, el("label", { for: `filter-${name}` }, label), control);
  const when = (/** @type {"from" | "to"} */ name) => field(name, t(`filter.${name}`), el("input", { id: `filter-${name}`, type: "datetime-local", value: toInput(place[name]), onchange: (/** @type {any} */ event) => app.go({ [name]: fromInput(event.target.value) }) }), "when");
  const option = (/** @type {string} */ value, /** @type {string} */ text, /** @type {string} */ chosen) => el("option", { value, selected: value === chosen }, text);
  const any = place.status || place.from || place.to || (place.view === "orders" && (place.region || place.store));
  return el("div", { class: "filters", role: "search", "aria-label": t("filter.title"), "data-key": "filters" },
    place.view === "orders" ? [
      field("region", t("region.name"), el("select", { id: "filter-region", value: place.region, onchange: (/** @type {any} */ event) => app.go({ region: event.target.value, store: "" }) },
        option("", t("filter.all"), place.region), app.regions.map((one) => option(one.region, one.region, place.region)))),
      field("store", t("filter.store"), el("input", { id: "filter-store", type: "search", value: place.store, autocomplete: "off", spellcheck: "false", onchange: (/** @type {any} */ event) => app.go({ store: event.target.value.trim() }) })),
    ] : null,
    field("status", t("filter.status"), el("select", { id: "filter-status", value: place.status, onchange: (/** @type {any} */ event) => app.go({ status: event.target.value }) },
      choices("status").map((value) => option(value, value ? t(`hq.${value}`) : t("filter.all"), place.status)))),
    when("from"), when("to"),
    el("button", { type: "button", disabled: !any, onclick: () => app.go({ status: "", from: "", to: "", ...(place.view === "orders" ? { region: "", store: "" } : {}) }) }, t("filter.clear")));
}

/** @param {Hq.Order} order @param {Hq.Place} place */
function row(order, place) {
  return el("tr", { role: "row", "data-key": order.id, "data-testid": `order-${order.id}` },
    el("th", { role: "rowheader", scope: "row" }, el("a", { class: "row-link numbers", href: app.link({ view: "order", order: order.id }) }, order.id)),
    cell(t("order.created"), moment(order.created_at, true), "numbers when"),
    cell(t("filter.status"), statusTag(order.status), "wide"),
    place.view === "orders" ? cell(t("filter.store"), el("a", { href: app.link({ view: "store", region: order.region, store: order.store }) }, `${order.region} / ${order.store}`)) : null,
    cell(t("order.code"), order.pickup_code ?? "–", "numbers"),
    cell(t("order.dishes"), order.lines.map((line) => `${line.quantity}× ${named(line.name) || line.sku}`).join(", "), "dishes"),
    cell(t("order.amount"), money(order.payable, order.currency), "number strong"));
}

/** The list with its filters. @param {Hq.Place} place */
export function ordersPanel(place) {
  const first = ordersPath(place);
  const answer = app.feed.of(first);
  const more = further.get(first);
  const known = new Set();
  /** @type {Hq.Order[]} */
  const orders = [...(answer?.data?.orders ?? []), ...(more?.orders ?? [])].filter((order) => !known.has(order.id) && known.add(order.id));
  const next = more ? more.next : (answer?.data?.next_cursor ?? null);
  const columns = [
    head(t("order.id")), head(t("order.created")), head(t("filter.status")), place.view === "orders" ? head(t("filter.store")) : null, head(t("order.code")), head(t("order.dishes")), head(t("order.amount"), "number"),
  ];
  const asOf = answer?.at ? el("span", { class: "muted small numbers" }, t("orders.as-of", { time: clock(answer.at, true) })) : null;
  return el("div", { class: "orders", "data-key": "orders" }, panel("orders", t("orders.title"), [asOf, el("button", { type: "button", class: "quiet", onclick: () => begin(first) }, t("orders.refresh"))],
    filters(place),
    answer?.data
      ? orders.length === 0 ? el("p", { class: "nothing" }, t(next ? "orders.none-yet" : "orders.none")) : table(t("orders.title"), columns, orders.map((order) => row(order, place)))
      : el("p", { class: "nothing" }, waiting(answer)),
    next ? el("button", { type: "button", class: "wide", onclick: () => readOn(first, next) }, t("more")) : null));
}

export function ordersView() {
  return [
    crumbs([], t("orders.title")),
    ordersPanel(app.place),
  ];
}

/** @param {string} id */
const orderPath = (id) => path`/v1/orders/${id}`;
export const wantedOrder = () => [{ path: orderPath(app.place.order), every: EVERY_MS }];

/** @param {Hq.Order} order */
function lines(order) {
  const rows = order.lines.map((line, index) => el("tr", { role: "row", "data-key": index },
    el("th", { role: "rowheader", scope: "row" }, named(line.name) || line.sku, el("span", { class: "muted small" }, ` ${(line.options ?? []).map((one) => named(one.name) || one.choice).join(" · ")}`)),
    cell(t("order.quantity"), count(line.quantity), "number"),
    cell(t("order.unit-price"), money(line.unit_price, order.currency), "number"),
    cell(t("cart.discount"), line.discount ? money(-line.discount, order.currency) : "–", "number"),
    cell(t("order.amount"), money(line.amount - line.discount, order.currency), "number strong")));
  const end = (/** @type {string} */ label, /** @type {number} */ amount, kind = "") => el("div", { class: kind }, el("dt", {}, label), el("dd", { class: "numbers" }, money(amount, order.currency)));
  return panel("lines", t("order.contents"), null,
    table(t("order.contents"), [head(t("order.dish")), head(t("order.quantity"), "number"), head(t("order.unit-price"), "number"), head(t("cart.discount"), "number"), head(t("order.amount"), "number")], rows),
    el("dl", { class: "sums" },
      end(t("cart.total"), order.total), order.discount ? end(t("cart.discount"), -order.discount) : null,
      end(t("order.payable"), order.payable, "strong"),
      order.refund ? end(t(`refunded.${order.refund.status}`), order.refund.amount) : null),
    order.note ? el("p", {}, el("strong", {}, `${t("cart.note")}: `), order.note) : null);
}

/** @param {string} event */
const eventWords = (event) => (hasWords(`event.${event}`) ? t(`event.${event}`) : event);

/** @param {Hq.Order} order */
function history(order) {
  const steps = order.history ?? [];
  const actor = (/** @type {Hq.Step} */ one) => [worded("actor", one.actor?.role ?? "node"), one.actor?.subject, one.device].filter(Boolean).join(" · ");
  return panel("history", t("history.title"), null,
    steps.length === 0 ? el("p", { class: "nothing" }, t("history.none")) : el("ol", { class: "history" }, steps.map((step, index) =>
      el("li", { "data-key": step.sequence, class: step.event },
        el("strong", {}, eventWords(step.event)),
        el("time", { class: "numbers", datetime: step.at }, moment(step.at, true)),
        el("span", { class: "muted small" }, actor(step)),
        index > 0 ? el("span", { class: "muted small numbers" }, t("history.after", { span: span((Date.parse(step.at) - Date.parse(steps[index - 1].at)) / 1000) })) : null,
        el("span", { class: "muted small numbers trace" }, t("history.trace", { sequence: count(step.sequence), request: step.request_id ?? "–" }))))),
    order.history_complete === false ? el("p", { class: "muted small" }, t("history.cut")) : null);
}

const REASONS = ["payment_timeout", "store_timeout", "auto"];

export function orderView() {
  const answer = app.feed.of(orderPath(app.place.order));
  /** @type {Hq.Order | undefined} */
  const order = answer?.data;
  /** @type {[string, Hq.Changes][]} */
  const above = order ? [[order.region, { view: "region", region: order.region }], [order.store, { view: "store", region: order.region, store: order.store }]] : [];
  const way = crumbs(above, app.place.order, order ? statusTag(order.status) : null);
  if (!order) return [way, el("p", { class: "empty", "data-key": "none" }, waiting(answer))];
  const fact = (/** @type {string} */ label, /** @type {string | null | undefined} */ text) => (text ? el("div", {}, el("dt", {}, label), el("dd", { class: "numbers" }, text)) : null);
  return [
    way,
    el("dl", { class: "card facts order-facts", "data-key": "facts" },
      fact(t("order.code"), order.pickup_code), fact(t("order.day"), order.business_day), fact(t("order.member"), order.member),
      fact(t("order.created"), moment(order.created_at, true)), fact(t("event.paid"), order.paid_at && moment(order.paid_at, true)),
      fact(t("order.wait-was"), order.ready_at && order.paid_at ? span((Date.parse(order.ready_at) - Date.parse(order.paid_at)) / 1000) : null),
      fact(t("order.why"), order.reason && (REASONS.includes(order.reason) ? t(`reason.${order.reason}`) : order.reason))),
    el("div", { class: "two even", "data-key": "two" }, lines(order), history(order)),
  ];
}
