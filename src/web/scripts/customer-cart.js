// The cart: quantities, the coupon, the note, the price to the fen, and placing the order exactly once.

import { call, newKey, Problem } from "./api.js";
import { chosen, emptyCart, orderRequest } from "./cart.js";
import { app, keepCart, nameOf, stepper } from "./customer-app.js";
import { el, once } from "./dom.js";
import { money } from "./format.js";
import { named, t } from "./language.js";
import { storage } from "./session.js";

const PENDING = "qucan.pending";
const EXACT_BELOW = 20; // the menu shows no larger figure of what is left
let placing = false;
/** @type {{ of: number, is: number } | null} */
let askedPrice = null; // what the node said it costs, when that differed from our sum

// The same wish keeps its key over double taps, lost answers and reloads, so it can only ever become one order.
/** @param {string} text */
function keyFor(text) {
  const kept = JSON.parse(storage.get(PENDING) ?? "null");
  if (kept?.text === text) return kept.key;
  const key = newKey();
  storage.set(PENDING, JSON.stringify({ text, key }));
  return key;
}

const place = once(async (/** @type {number} */ payable) => {
  const body = orderRequest(app.store.id, app.cart, payable);
  placing = true;
  app.draw();
  try {
    const order = await call("POST", "/v1/orders", { body, key: keyFor(JSON.stringify(body)) });
    storage.remove(PENDING);
    app.cart = emptyCart();
    askedPrice = null;
    keepCart();
    app.loadCoupons().catch(() => {});
    app.go(`#/order/${encodeURIComponent(order.id)}`, order);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.kind === "price-changed" && Number.isSafeInteger(problem.members.payable)) askedPrice = { of: payable, is: problem.members.payable };
    if (problem.kind === "coupon-not-usable") app.cart.coupon = null;
    app.failed(problem, nameOf);
    await refresh();
  } finally {
    placing = false;
    app.draw();
  }
});

async function refresh() {
  try {
    app.menu = await call("GET", `/v1/stores/${encodeURIComponent(app.store.id)}/menu`, { open: true });
    await app.loadCoupons();
  } catch {
    // the message about the first problem stands
  }
}

/** @param {CartSum} totals */
function couponRow(totals) {
  const inCart = new Set(app.cart.lines.map((line) => line.sku));
  const offers = app.coupons
    .filter((coupon) => coupon.status === "claimed")
    .flatMap((coupon) => app.campaigns.filter((one) => one.id === coupon.campaign && inCart.has(one.sku)).map((campaign) => ({ coupon, campaign })));
  const seen = new Set();
  return offers.filter(({ campaign }) => !seen.has(campaign.id) && seen.add(campaign.id)).map(({ coupon, campaign }) =>
    el("label", { class: "choice coupon", "data-key": `coupon ${campaign.id}` },
      el("input", { type: "checkbox", checked: totals.applied && app.cart.coupon?.id === coupon.id, onchange: (/** @type {any} */ event) => { app.cart.coupon = event.target.checked ? { id: coupon.id, campaign: campaign.id } : null; keepCart(); } }),
      el("span", {}, t("cart.coupon", { name: named(campaign.name) || nameOf(campaign.sku) }))));
}

/** @param {CartSum["lines"][number]} one */
function lineRow({ line, item, unit }) {
  const name = item ? named(item.name) : line.sku;
  const most = item && item.available !== null && item.available < EXACT_BELOW ? item.available : 99;
  const change = (/** @type {number} */ quantity) => {
    line.quantity = quantity;
    if (quantity <= 0) app.cart.lines = app.cart.lines.filter((one) => one !== line);
    keepCart();
  };
  return el("li", { class: "cart-line", "data-key": line.id },
    el("div", {}, el("strong", {}, name),
      item && line.quantity > most ? el("span", { class: "tag bad" }, most === 0 ? t("menu.sold-out") : t("menu.left", { count: most })) : null,
      item ? el("span", { class: "muted small cart-options" }, chosen(item, line.options).map((choice) => named(choice.name)).join(" · ")) : el("span", { class: "tag bad" }, t("cart.gone"))),
    el("span", { class: "numbers cart-amount" }, money(unit * line.quantity, app.menu.currency)),
    stepper(line.quantity, { less: line.quantity === 1 ? t("cart.remove", { item: name }) : t("cart.less", { item: name }), more: t("cart.more", { item: name }) }, change, 0, most));
}

/** @param {CartSum} totals */
export function cartView(totals) {
  const { cart, menu, store } = app;
  const payable = askedPrice?.of === totals.payable ? askedPrice.is : totals.payable;
  const amount = (/** @type {string} */ key, /** @type {number} */ value, kind = "") => el("div", { class: `amount ${kind}` }, el("dt", {}, t(key)), el("dd", { class: "numbers" }, money(value, menu.currency)));
  const able = app.session.get() && store.open && store.accepting && !totals.gone && !placing;
  return el("div", { class: "cart" },
    el("div", { class: "row" }, el("h2", { id: "cart-title", tabindex: "-1" }, t("cart.title")), app.showCart ? el("a", { class: "button plain push-right narrow-only", href: `#/store/${encodeURIComponent(store.id)}` }, t("cart.back")) : null),
    cart.lines.length === 0
      ? el("p", { class: "empty" }, t("cart.empty"))
      : el("div", { class: "cart-body" },
          el("ul", {}, totals.lines.map(lineRow)),
          couponRow(totals),
          el("div", { class: "field" }, el("label", { for: "note" }, t("cart.note")),
            el("textarea", { id: "note", rows: "2", maxlength: "200", placeholder: t("cart.note-hint"), value: cart.note, onchange: (/** @type {any} */ event) => { cart.note = event.target.value; keepCart(); } })),
          el("dl", { class: "amounts" },
            amount("cart.total", totals.total),
            totals.discount > 0 ? amount("cart.discount", -totals.discount, "good") : null,
            amount("cart.payable", payable, "payable")),
          el("button", { class: "primary large wide", type: "button", disabled: !able, "aria-busy": placing ? "true" : null, onclick: () => place(payable) }, placing ? t("cart.placing") : t("cart.place", { price: money(payable, menu.currency) }))));
}
