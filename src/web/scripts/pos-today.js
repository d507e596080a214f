// Today's orders of the store: what happened to each, found by pickup code or order number.

import { call, listAll, path } from "./api.js";
import { el, memo, notice } from "./dom.js";
import { clock, money } from "./format.js";
import { explain, language, named, t } from "./language.js";

const SHOWN = 100;
const STATUSES = ["", "paid", "accepted", "ready", "collected", "cancelled", "rejected"];

const state = { orders: /** @type {Map<string, Order>} */ (new Map()), search: "", status: "", shown: SHOWN, loaded: false };

/** Reads the day. @param {import("./staff.js").Desk} desk */
export async function loadToday(desk) {
  try {
    const orders = await listAll(`${path`/v1/stores/${desk.store.id}/orders`}?limit=500`, "orders");
    for (const order of orders) takeToday(order);
    state.loaded = true;
  } catch (problem) {
    notice(explain(problem), "bad");
  }
  desk.draw();
}

/** Keeps the list equal to what happens. @param {Order} order */
export function takeToday(order) {
  const known = state.orders.get(order.id);
  if (!known || known.offset <= order.offset) state.orders.set(order.id, order);
}

/** A code that is not among what was read: asks the node. @param {import("./staff.js").Desk} desk */
async function find(desk) {
  const code = state.search.trim();
  if (!code || found().length > 0) return;
  try {
    const { orders } = await call("GET", `${path`/v1/stores/${desk.store.id}/orders`}?code=${encodeURIComponent(code)}`);
    for (const order of orders) takeToday(order);
  } catch (problem) {
    notice(explain(problem), "bad");
  }
  desk.draw();
}

function found() {
  const wanted = state.search.trim().toUpperCase();
  const fits = (/** @type {Order} */ order) => !wanted || (order.pickup_code ?? "").toUpperCase().startsWith(wanted) || order.id.toUpperCase().includes(wanted);
  return [...state.orders.values()]
    .filter((order) => (!state.status || order.status === state.status) && fits(order))
    .sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : a.id < b.id ? 1 : -1));
}

/** @param {Order} order @param {(order: Order) => Child} actions */
function row(order, actions) {
  const took = ["awaiting_payment", "cancelled", "rejected"].includes(order.status) ? "" : "good";
  return el("li", { class: "card day-order" },
    el("strong", { class: "ticket-code numbers" }, order.pickup_code ?? (order.position ? `#${order.position}` : "–")),
    el("div", { class: "day-what" },
      el("span", { class: "day-lines" }, order.lines.map((line) => `${line.quantity}× ${named(line.name)}`).join(", ")),
      el("span", { class: "muted small numbers" }, `${clock(order.created_at)} · ${money(order.payable, order.currency)} · ${order.id}`),
      order.reason ? el("span", { class: "small" }, t("order.reason", { reason: t(`reason.${order.reason}`) === `reason.${order.reason}` ? order.reason : t(`reason.${order.reason}`) })) : null,
      order.refund ? el("span", { class: "small" }, t(`refund.${order.refund.status}`, { price: money(order.refund.amount, order.currency) })) : null),
    el("span", { class: `tag ${took}` }, t(`status.${order.status}`)),
    el("span", { class: "row day-actions" }, actions(order)));
}

/** @param {import("./staff.js").Desk} desk @param {(order: Order) => Child} actions @param {(order: Order) => boolean} busy */
export function todayView(desk, actions, busy) {
  const orders = found();
  const change = (/** @type {Partial<typeof state>} */ what) => {
    Object.assign(state, { shown: SHOWN }, what);
    desk.draw();
  };
  return el("div", { class: "today" },
    el("form", { class: "finder", role: "search", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); find(desk); } },
      el("input", { id: "find", type: "search", value: state.search, autocomplete: "off", "aria-label": t("today.search"), placeholder: t("today.search"), oninput: (/** @type {any} */ event) => change({ search: event.target.value }) }),
      el("select", { "aria-label": t("today.status"), value: state.status, onchange: (/** @type {any} */ event) => change({ status: event.target.value }) },
        STATUSES.map((status) => el("option", { value: status, selected: status === state.status }, status ? t(`status.${status}`) : t("today.all"))))),
    el("p", { class: "muted small numbers", role: "status" }, state.loaded ? t("today.count", { count: orders.length }) : t("loading")),
    el("ul", { class: "day-orders" }, orders.slice(0, state.shown).map((order) =>
      memo("li", order.id, `${order.offset} ${language()} ${busy(order)}`, () => row(order, actions)))),
    orders.length > state.shown ? el("button", { type: "button", onclick: () => { state.shown += SHOWN; desk.draw(); } }, t("more")) : null);
}
