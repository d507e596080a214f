// What the views of the customer page share: the state, and the few things all of them do. customer.js fills it.

import { Problem } from "./api.js";
import { saveCart } from "./cart.js";
import { el } from "./dom.js";
import { named } from "./language.js";

/**
 * `draw()` shows the present state; `go(hash)` changes the view; `failed(problem)` tells; `leave` ends a view; `offline` means that
 * what is shown was kept from before. Store, menu and cart are there whenever the view is "store", the order when it is "order".
 * @typedef {object} App
 * @property {import("./session.js").Session} session
 * @property {import("./socket.js").Push} push
 * @property {Promise<unknown>} signedIn
 * @property {Store[]} stores
 * @property {Store} store
 * @property {Menu} menu
 * @property {Cart} cart
 * @property {boolean} showCart
 * @property {Campaign[]} campaigns
 * @property {Coupon[]} coupons
 * @property {Order} order
 * @property {Order[]} orders
 * @property {string | null} ordersNext
 * @property {string | null} view
 * @property {(() => void) | null} leave
 * @property {unknown} problem
 * @property {boolean} offline
 * @property {boolean} signInNeeded no token, and none to be had here
 * @property {() => void} draw
 * @property {(hash: string, order?: Order) => void} go
 * @property {(problem: unknown, names?: (sku: string) => string) => void} failed
 * @property {() => Promise<void>} loadCoupons
 */

/** @type {App} */
export const app = /** @type {any} */ ({
  stores: [],
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
  offline: false,
  signInNeeded: false,
});

/** A view opens: it calls `show` with what to do once it is still wanted, perhaps first with what was kept, then with what is true.
 * @typedef {(enter: () => void) => void} Show */

/** A dish's name on the menu shown. @param {string} sku */
export const nameOf = (sku) => named(app.menu?.items.find((item) => item.sku === sku)?.name) || sku;

export function keepCart() {
  saveCart(app.store.id, app.cart);
  app.draw();
}

/** Whether a problem is one of the line or of a node that is away, and trying again may help. @param {unknown} problem */
export const isAway = (problem) => problem instanceof Problem && problem.isAway;

/** − 2 +, each a full target. @param {number} value @param {{ less: string, more: string }} labels @param {(value: number) => void} change */
export function stepper(value, labels, change, least = 0, most = 99) {
  return el("span", { class: "stepper push-right" },
    el("button", { type: "button", "aria-label": labels.less, disabled: value <= least, onclick: () => change(value - 1) }, "−"),
    el("span", { class: "numbers", "aria-live": "polite" }, value),
    el("button", { type: "button", "aria-label": labels.more, disabled: value >= most, onclick: () => change(value + 1) }, "+"));
}
