// One order, live: where it is and how long it will take, its pickup code in huge type, paying, cancelling, ordering it again.

import { call, path, Problem } from "./api.js";
import { addLine, emptyCart, loadCart, saveCart } from "./cart.js";
import { chime } from "./chime.js";
import { app, isAway } from "./customer-app.js";
import { payOrder, payProvider } from "./customer-pay.js";
import { announce, ask, el, notice, once } from "./dom.js";
import { clock, money } from "./format.js";
import { named, t } from "./language.js";
import { storage } from "./session.js";
import { title } from "./shell.js";
import { minutesSince } from "./time.js";

/** @type {[string, keyof Order][]} */
const STEPS = [["placed", "created_at"], ["paid", "paid_at"], ["accepted", "accepted_at"], ["ready", "ready_at"], ["collected", "collected_at"]];
const ENDED = ["cancelled", "rejected"];
const FINAL = ["collected", ...ENDED];
const KEPT = "qucan.order";
const RING_AGAIN_MS = 4_000;
const RINGS = 4;
const MINUTES_EVERY_MS = 20_000;
let paying = false;
let ringing = 0;

/** @param {Order} order */
const closed = (order) => FINAL.includes(order.status) && order.refund?.status !== "pending";
/** @param {Order} order */
const known = (order) => ["awaiting_payment", "paid", "accepted", "ready", ...FINAL].includes(order.status);
/** @param {Order} order */
export const isFinal = (order) => FINAL.includes(order.status);
/** @param {Order} order */
export const statusText = (order) => (known(order) ? t(`status.${order.status}`) : order.status);

/** @returns {Order | null} */
function keptOrder() {
  try {
    return JSON.parse(storage.get(KEPT) ?? "null");
  } catch {
    return null;
  }
}

/** Keeps an order in this tab, for a reload without a line. @param {Order} order */
export const keepOrder = (order) => storage.set(KEPT, JSON.stringify(order));

/**
 * What was kept of the order at once; then whatever comes first of the answer and the push.
 * @param {string} id @param {import("./customer-app.js").Show} show
 */
export async function openOrder(id, show) {
  const kept = keptOrder();
  const begin = (/** @type {Order} */ order) =>
    show(() => {
      if (app.view === "order" && app.order?.id === id) return took(order);
      Object.assign(app, { order, view: "order", offline: false });
      keepOrder(order);
      if (!closed(order)) follow(id);
    });
  if (kept?.id === id) begin(kept);
  await app.signedIn;
  try {
    begin(await call("GET", `${path`/v1/orders/${id}`}?ahead=true`));
  } catch (problem) {
    if (kept?.id !== id || !isAway(problem)) throw problem; // with one kept, the push connection says that the line is cut
  }
}

/** @param {string} id */
function follow(id) {
  const stop = app.push.subscribe(`order/${id}`, {
    snapshot: took,
    event: (_, order) => took(order),
    poll: async () => took(await call("GET", `${path`/v1/orders/${id}`}?ahead=true`)),
    problem: (problem) => app.failed(new Problem(String(problem.type).split("/").pop() ?? "", 0, problem)),
  });
  // How many are before it changes with other orders, of which nobody tells this page: it asks now and then, while somebody looks.
  const look = async () => {
    app.draw();
    if (document.visibilityState !== "visible" || !["paid", "accepted"].includes(app.order.status)) return;
    await call("GET", `${path`/v1/orders/${id}`}?ahead=true`, { attempts: 1 }).then(took, () => {});
  };
  const timer = setInterval(look, MINUTES_EVERY_MS);
  app.leave = () => {
    stop();
    clearInterval(timer);
    clearTimeout(ringing);
  };
}

/** Takes the order as it is now; an older state than the one shown is left. @param {Order} order */
function took(order) {
  if (app.order?.id !== order.id || order.offset < app.order.offset) return;
  const before = app.order;
  app.order = { ...order, ahead: order.ahead ?? before.ahead };
  keepOrder(app.order);
  if (before.status !== order.status) announce(`${statusText(order)}${order.pickup_code ? `. ${t("order.code")} ${order.pickup_code}` : ""}`);
  if (order.pickup_code && !before.pickup_code && order.status === "accepted") {
    chime.ring("new");
    navigator.vibrate?.(200);
  }
  if (order.status === "ready" && before.status !== "ready") callOwner(RINGS);
  if (order.status !== "ready") clearTimeout(ringing);
  if (closed(order) && !closed(before)) app.leave?.(); // nothing more will happen: the connection goes to somebody who waits
  app.draw();
}

// A phone may lie on the table: a few times, until it is touched.
/** @param {number} times */
function callOwner(times) {
  chime.ring("ready");
  navigator.vibrate?.([300, 120, 300, 120, 300]);
  if (times > 1) ringing = setTimeout(() => callOwner(times - 1), RING_AGAIN_MS);
}
addEventListener("pointerdown", () => clearTimeout(ringing));

const pay = once(async (/** @type {Order} */ order, /** @type {string} */ provider) => {
  paying = true;
  app.draw();
  try {
    const now = await payOrder(order, provider);
    if (now) took(now);
  } catch (problem) {
    app.failed(problem);
  } finally {
    paying = false;
    app.draw();
  }
});

const cancel = once(async (/** @type {Order} */ order) => {
  const sure = await ask(t("order.cancel"), (close) =>
    el("form", { onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); close(true); } },
      el("h2", {}, t("order.cancel")), el("p", {}, t("order.cancel-sure")),
      el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => close(false) }, t("order.keep")), el("button", { class: "danger", type: "submit" }, t("order.cancel")))));
  if (!sure) return;
  try {
    took(await call("POST", path`/v1/orders/${order.id}/cancel`));
    app.loadCoupons().catch(() => {});
  } catch (problem) {
    app.failed(problem);
  }
});

/** Puts what is still on the menu into the cart, as it was chosen. */
const again = once(async (/** @type {Order} */ order) => {
  try {
    const menu = await call("GET", path`/v1/stores/${order.store}/menu`, { open: true });
    const cart = loadCart(order.store).lines.length > 0 ? loadCart(order.store) : emptyCart();
    let missing = 0;
    for (const line of order.lines) {
      const item = menu.items.find((/** @type {MenuItem} */ one) => one.sku === line.sku);
      const options = (line.options ?? []).map(({ option, choice }) => ({ option, choice }));
      const has = (/** @type {PickedOption} */ one) => item.options?.some((/** @type {OptionGroup} */ group) => group.id === one.option && group.choices.some((choice) => choice.id === one.choice));
      if (item && item.available !== 0 && options.every(has)) addLine(cart, line.sku, line.quantity, options);
      else missing += 1;
    }
    saveCart(order.store, cart);
    if (app.store?.id === order.store) app.cart = cart;
    app.go(`#/store/${encodeURIComponent(order.store)}${cart.lines.length > 0 ? "/cart" : ""}`);
    if (missing > 0) notice(t("order.again-missing", { count: missing }), "bad");
  } catch (problem) {
    app.failed(problem);
  }
});

/** @param {Order} order */
const why = (order) => {
  if (!order.reason) return null;
  return ["payment_timeout", "store_timeout", "auto"].includes(order.reason) ? t(`reason.${order.reason}`) : order.reason;
};

/** @param {Order} order */
function progress(order) {
  const reached = STEPS.map(([, at]) => Boolean(order[at]));
  const last = reached.lastIndexOf(true);
  return el("ol", { class: "steps", "aria-label": t("order.progress") }, STEPS.map(([step, at], index) =>
    el("li", { class: index < last ? "done" : index === last ? "now" : "", "aria-current": index === last ? "step" : null },
      el("span", { class: "dot", "aria-hidden": "true" }, index <= last ? "✓" : ""),
      el("span", {}, t(`step.${step}`)),
      el("span", { class: "muted small numbers" }, order[at] ? clock(/** @type {string} */ (order[at])) : ""))));
}

/** How many are before it and minutes to go, while it is being made. @param {Order} order */
function waiting(order) {
  if (!["paid", "accepted"].includes(order.status) || !order.paid_at) return null;
  const minutes = order.wait_minutes ? order.wait_minutes - minutesSince(order.paid_at) : null;
  return el("dl", { class: "waiting" },
    order.ahead === undefined ? null : el("div", {}, el("dt", {}, t("order.ahead")), el("dd", { class: "numbers" }, order.ahead > 0 ? t("order.ahead-count", { count: order.ahead }) : t("order.next"))),
    minutes === null ? null : el("div", {}, el("dt", {}, t("order.wait")), el("dd", { class: "numbers" }, minutes > 0 ? t("order.minutes", { minutes }) : t("order.any-moment"))));
}

/** @param {Order} order */
function headline(order) {
  if (order.pickup_code && !isFinal(order)) {
    return el("div", { class: `code-card ${order.status}` },
      el("p", { class: "code-label" }, t("order.code")),
      el("p", { class: `code ${order.pickup_code.length > 5 ? "long" : ""}`, "data-testid": "pickup-code" }, order.pickup_code));
  }
  if (order.status === "paid") return el("p", { class: "muted" }, t("order.code-later"));
  return null;
}

/** @param {Order} order */
function paySection(order) {
  if (order.status !== "awaiting_payment") return null;
  const until = order.pay_by ? el("p", { class: "muted" }, t("order.pay-by", { time: clock(order.pay_by) })) : null;
  const provider = payProvider();
  if (!provider) return el("div", { class: "pay" }, el("p", {}, t("order.pay-elsewhere")), until);
  return el("div", { class: "pay" },
    el("button", { class: "primary large wide", type: "button", disabled: paying, "aria-busy": paying ? "true" : null, onclick: () => pay(order, provider) }, paying ? t("order.paying") : t("order.pay", { price: money(order.payable, order.currency) })),
    until, provider === "sandbox" ? el("p", { class: "muted small" }, t("order.pay-sandbox")) : null);
}

export function orderView() {
  const { order } = app;
  const code = order.status === "ready" && order.pickup_code ? `${order.pickup_code} · ` : "";
  title(`${code}${statusText(order)}`);
  const amount = (/** @type {string} */ key, /** @type {number} */ value, kind = "") => el("div", { class: `amount ${kind}` }, el("dt", {}, t(key)), el("dd", { class: "numbers" }, money(value, order.currency)));
  const tax = order.lines.reduce((all, line) => all + (line.tax ?? 0), 0);
  return el("div", { class: "page order", "data-status": order.status },
    el("h1", { tabindex: "-1", class: "status" }, statusText(order)),
    headline(order),
    why(order) ? el("p", {}, t("order.reason", { reason: why(order) })) : null,
    order.refund ? el("p", { class: "banner" }, t(`refund.${order.refund.status}`, { price: money(order.refund.amount, order.currency) })) : null,
    waiting(order),
    paySection(order),
    ENDED.includes(order.status) ? null : progress(order),
    el("section", { class: "card padded", "aria-labelledby": "lines-title" },
      el("h2", { id: "lines-title" }, t("order.lines")),
      el("ul", {}, order.lines.map((line) =>
        el("li", { class: "cart-line" },
          el("div", {}, el("strong", {}, `${line.quantity} × ${named(line.name)}`), el("span", { class: "muted small cart-options" }, (line.options ?? []).map((one) => named(one.name) || one.choice).join(" · "))),
          el("span", { class: "numbers cart-amount" }, money(line.amount, order.currency))))),
      order.note ? el("p", { class: "muted order-note" }, `${t("cart.note")}: ${order.note}`) : null,
      el("dl", { class: "amounts" }, amount("cart.total", order.total), order.discount > 0 ? amount("cart.discount", -order.discount, "good") : null, amount("cart.payable", order.payable, "payable")),
      tax > 0 ? el("p", { class: "muted small" }, t("order.tax", { price: money(tax, order.currency) })) : null),
    el("p", { class: "muted small numbers" }, t("order.number", { id: order.id }), " · ", clock(order.created_at)),
    el("div", { class: "row" },
      ["awaiting_payment", "paid"].includes(order.status) ? el("button", { class: "danger", type: "button", onclick: () => cancel(order) }, t("order.cancel")) : null,
      isFinal(order) ? el("button", { type: "button", class: "primary", onclick: () => again(order) }, t("order.again")) : null,
      el("a", { class: "button", href: `#/store/${encodeURIComponent(order.store)}` }, t("order.menu"))));
}
