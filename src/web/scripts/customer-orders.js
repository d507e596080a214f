// The list of one's orders, newest first.

import { call } from "./api.js";
import { app, isAway } from "./customer-app.js";
import { isFinal, statusText } from "./customer-order.js";
import { el, once } from "./dom.js";
import { clock, day, money } from "./format.js";
import { named, t } from "./language.js";
import { storage } from "./session.js";
import { title } from "./shell.js";

const KEPT = "qucan.orders";
const PAGE = 20;

/** @returns {Order[] | null} */
function kept() {
  try {
    return JSON.parse(storage.get(KEPT) ?? "null");
  } catch {
    return null;
  }
}

/** @param {import("./customer-app.js").Show} show */
export async function openOrders(show) {
  const enter = (/** @type {Order[]} */ orders, /** @type {string | null} */ next, offline = false) => show(() => Object.assign(app, { view: "orders", orders, ordersNext: next, offline }));
  const before = kept();
  if (before) enter(before, null);
  await app.signedIn;
  try {
    const page = app.session.get() ? await call("GET", `/v1/me/orders?limit=${PAGE}`) : { orders: [] };
    storage.set(KEPT, JSON.stringify(page.orders));
    enter(page.orders, page.next_cursor ?? null);
  } catch (problem) {
    if (!before || !isAway(problem)) throw problem;
    enter(before, null, true);
  }
}

const more = once(async () => {
  try {
    const page = await call("GET", `/v1/me/orders?limit=${PAGE}&cursor=${encodeURIComponent(app.ordersNext ?? "")}`);
    app.orders.push(...page.orders);
    app.ordersNext = page.next_cursor ?? null;
  } catch (problem) {
    app.failed(problem);
  }
  app.draw();
});

export function ordersView() {
  title(t("order.mine"));
  return el("div", { class: "page" },
    el("h1", { tabindex: "-1" }, t("order.mine")),
    app.offline ? el("p", { class: "banner" }, t("offline.orders")) : null,
    app.orders.length === 0 ? el("div", { class: "empty" }, el("p", {}, t("order.none")), el("a", { class: "button primary", href: "#/" }, t("stores.title"))) : null,
    el("ul", { class: "stores" }, app.orders.map((order) =>
      el("li", { "data-key": order.id },
        el("a", { class: "card order-card", href: `#/order/${encodeURIComponent(order.id)}` },
          el("span", { class: `store-name ${order.pickup_code ? "" : "alone"}` }, order.lines.map((line) => `${line.quantity} × ${named(line.name)}`).join(", ")),
          order.pickup_code ? el("strong", { class: "numbers order-code" }, order.pickup_code) : null,
          el("span", { class: "muted small numbers" }, `${day(order.created_at)} ${clock(order.created_at)} · ${money(order.payable, order.currency)}`),
          el("span", { class: `tag ${isFinal(order) ? "" : "accent"}` }, statusText(order)))))),
    app.ordersNext ? el("button", { type: "button", onclick: more }, t("more")) : null);
}
