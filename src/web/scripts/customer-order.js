// One order, live: where it is, its pickup code in huge type, paying and cancelling; and the list of one's orders.

import { call, path, Problem } from "./api.js";
import { app } from "./customer-app.js";
import { announce, ask, el, once } from "./dom.js";
import { clock, day, money } from "./format.js";
import { named, t } from "./language.js";
import { title } from "./shell.js";

const STEPS = [["placed", "created_at"], ["paid", "paid_at"], ["accepted", "accepted_at"], ["ready", "ready_at"], ["collected", "collected_at"]];
const ENDED = ["cancelled", "rejected"];
const FINAL = ["collected", ...ENDED];
let paying = false;

const closed = (order) => FINAL.includes(order.status) && order.refund?.status !== "pending";
const known = (order) => ["awaiting_payment", "paid", "accepted", "ready", ...FINAL].includes(order.status);
export const statusText = (order) => (known(order) ? t(`status.${order.status}`) : order.status);

export async function openOrder(id) {
  app.order = await call("GET", path`/v1/orders/${id}`);
  app.view = "order";
  if (closed(app.order)) return;
  const stop = app.push.subscribe(`order/${id}`, {
    snapshot: show,
    event: (_, order) => show(order),
    poll: async () => show(await call("GET", path`/v1/orders/${id}`)),
    problem: (problem) => app.failed(new Problem(String(problem.type).split("/").pop(), 0, problem)),
  });
  app.leave = stop;

  function show(order) {
    if (app.order?.id !== id || order.offset < app.order.offset) return;
    const moved = order.status !== app.order.status;
    app.order = order;
    if (moved) {
      announce(`${statusText(order)}${order.pickup_code ? `. ${t("order.code")} ${order.pickup_code}` : ""}`);
      if (order.status === "ready") navigator.vibrate?.([200, 100, 200]);
    }
    if (closed(order)) stop(); // nothing more will happen: the connection goes to somebody who waits
    app.draw();
  }
}

function took(order) {
  if (app.order?.id === order.id && order.offset >= app.order.offset) app.order = order;
  app.draw();
}

const pay = once(async (order) => {
  paying = true;
  app.draw();
  try {
    await call("POST", path`/v1/orders/${order.id}/pay`, { body: { provider: "sandbox" } });
    took(await call("POST", path`/v1/sandbox/payments/${order.id}/succeed`));
  } catch (problem) {
    app.failed(problem);
  } finally {
    paying = false;
    app.draw();
  }
});

const cancel = once(async (order) => {
  const sure = await ask(t("order.cancel"), (close) =>
    el("form", { onsubmit: (event) => { event.preventDefault(); close(true); } },
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

const why = (order) => {
  if (!order.reason) return null;
  return ["payment_timeout", "store_timeout", "auto"].includes(order.reason) ? t(`reason.${order.reason}`) : order.reason;
};

function progress(order) {
  const reached = STEPS.map(([, at]) => Boolean(order[at]));
  const last = reached.lastIndexOf(true);
  return el("ol", { class: "steps", "aria-label": t("order.progress") }, STEPS.map(([step, at], index) =>
    el("li", { class: index < last ? "done" : index === last ? "now" : "", "aria-current": index === last ? "step" : null },
      el("span", { class: "dot", "aria-hidden": "true" }, index <= last ? "✓" : ""),
      el("span", {}, t(`step.${step}`)),
      el("span", { class: "muted small numbers" }, order[at] ? clock(order[at]) : ""))));
}

function headline(order) {
  if (order.pickup_code && !FINAL.includes(order.status)) {
    return el("div", { class: `code-card ${order.status}` },
      el("p", { class: "code-label" }, t("order.code")),
      el("p", { class: "code", "data-testid": "pickup-code" }, order.pickup_code));
  }
  if (order.status === "paid") return el("p", { class: "muted" }, t("order.code-later"));
  return null;
}

function paySection(order) {
  if (order.status !== "awaiting_payment") return null;
  const until = order.pay_by ? el("p", { class: "muted" }, t("order.pay-by", { time: clock(order.pay_by) })) : null;
  if (!app.session.sandbox) return el("div", { class: "pay" }, el("p", {}, t("order.pay-elsewhere")), until);
  return el("div", { class: "pay" },
    el("button", { class: "primary large wide", type: "button", disabled: paying, "aria-busy": paying ? "true" : null, onclick: () => pay(order) }, paying ? t("order.paying") : t("order.pay", { price: money(order.payable, order.currency) })),
    until, el("p", { class: "muted small" }, t("order.pay-sandbox")));
}

export function orderView() {
  const { order } = app;
  const code = order.status === "ready" && order.pickup_code ? `${order.pickup_code} · ` : "";
  title(`${code}${statusText(order)}`);
  const amount = (key, value, kind = "") => el("div", { class: `amount ${kind}` }, el("dt", {}, t(key)), el("dd", { class: "numbers" }, money(value, order.currency)));
  const tax = order.lines.reduce((all, line) => all + (line.tax ?? 0), 0);
  return el("div", { class: "page order", "data-status": order.status },
    el("h1", { tabindex: "-1", class: "status" }, statusText(order)),
    headline(order),
    why(order) ? el("p", {}, t("order.reason", { reason: why(order) })) : null,
    order.refund ? el("p", { class: "banner" }, t(`refund.${order.refund.status}`, { price: money(order.refund.amount, order.currency) })) : null,
    order.wait_minutes > 0 && ["paid", "accepted"].includes(order.status) ? el("p", {}, t("order.wait", { minutes: order.wait_minutes })) : null,
    paySection(order),
    ENDED.includes(order.status) ? null : progress(order),
    el("section", { class: "card padded", "aria-labelledby": "lines-title" },
      el("h2", { id: "lines-title" }, t("order.lines")),
      el("ul", {}, order.lines.map((line) =>
        el("li", { class: "cart-line" },
          el("div", {}, el("strong", {}, `${line.quantity} × ${named(line.name)}`), el("span", { class: "muted small cart-options" }, optionNames(line))),
          el("span", { class: "numbers cart-amount" }, money(line.amount, order.currency))))),
      order.note ? el("p", { class: "muted" }, `${t("cart.note")}: ${order.note}`) : null,
      el("dl", { class: "amounts" }, amount("cart.total", order.total), order.discount > 0 ? amount("cart.discount", -order.discount, "good") : null, amount("cart.payable", order.payable, "payable")),
      tax > 0 ? el("p", { class: "muted small" }, t("order.tax", { price: money(tax, order.currency) })) : null),
    el("p", { class: "muted small numbers" }, t("order.number", { id: order.id }), " · ", clock(order.created_at)),
    el("div", { class: "row" },
      ["awaiting_payment", "paid"].includes(order.status) ? el("button", { class: "danger", type: "button", onclick: () => cancel(order) }, t("order.cancel")) : null,
      el("a", { class: "button", href: `#/store/${encodeURIComponent(order.store)}` }, t("order.again"))));
}

/** The names of a line's choices; an order carries them frozen. */
export function optionNames(line) {
  return (line.options ?? []).map((one) => named(one.name) || one.choice).join(" · ");
}

export async function openOrders() {
  const page = app.session.get() ? await call("GET", "/v1/me/orders?limit=20") : { orders: [] };
  Object.assign(app, { view: "orders", orders: page.orders, ordersNext: page.next_cursor ?? null });
}

const more = once(async () => {
  try {
    const page = await call("GET", `/v1/me/orders?limit=20&cursor=${encodeURIComponent(app.ordersNext)}`);
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
    app.orders.length === 0 ? el("p", { class: "empty" }, t("order.none")) : null,
    el("ul", { class: "stores" }, app.orders.map((order) =>
      el("li", { "data-key": order.id },
        el("a", { class: "card store", href: `#/order/${encodeURIComponent(order.id)}` },
          el("span", { class: "store-name" }, order.lines.map((line) => `${line.quantity} × ${named(line.name)}`).join(", ")),
          el("span", { class: `tag ${FINAL.includes(order.status) ? "" : "accent"}` }, statusText(order)),
          el("span", { class: "muted small numbers" }, `${day(order.created_at)} ${clock(order.created_at)} · ${money(order.payable, order.currency)}`),
          order.pickup_code ? el("strong", { class: "numbers" }, order.pickup_code) : null)))),
    app.ordersNext ? el("button", { type: "button", onclick: more }, t("more")) : null);
}
