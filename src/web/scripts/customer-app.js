// What the views of the customer page share: the state, and the few things all of them do. customer.js fills it.

import { saveCart } from "./cart.js";
import { el } from "./dom.js";
import { named } from "./language.js";

/** `draw()` shows the present state; `go(hash)` changes the view; `failed(problem)` tells; `leave` ends a view. */
export const app = {
  session: null,
  push: null,
  stores: null,
  store: null,
  menu: null,
  cart: null,
  showCart: false,
  campaigns: [],
  coupons: [],
  order: null,
  orders: [],
  ordersNext: null,
  view: null,
  leave: null,
  problem: null,
};

/** A dish's name on the menu shown. */
export const nameOf = (sku) => named(app.menu?.items.find((item) => item.sku === sku)?.name) || sku;

export function keepCart() {
  saveCart(app.store.id, app.cart);
  app.draw();
}

/** − 2 +, each a full target. */
export function stepper(value, labels, change, least = 0) {
  return el("span", { class: "stepper push-right" },
    el("button", { type: "button", "aria-label": labels.less, disabled: value <= least, onclick: () => change(value - 1) }, "−"),
    el("span", { class: "numbers", "aria-live": "polite" }, value),
    el("button", { type: "button", "aria-label": labels.more, disabled: value >= 99, onclick: () => change(value + 1) }, "+"));
}
