// The customer page: which view the address asks for, and what the views share.

import { app, isAway } from "./customer-app.js";
import { call, listAll, useTokens, path } from "./api.js";
import { chime } from "./chime.js";
import { clearNotices, dismissDialogs, el, render, notice } from "./dom.js";
import { keepPage } from "./keep.js";
import { t, explain } from "./language.js";
import { Session } from "./session.js";
import { startShell, title } from "./shell.js";
import { Push } from "./socket.js";
import { soundSwitch } from "./sound.js";
import { openStores, storesView, findStore } from "./customer-stores.js";
import { openStore, storeView } from "./customer-menu.js";
import { keepOrder, openOrder, orderView } from "./customer-order.js";
import { openOrders, ordersView } from "./customer-orders.js";

const LOOK_AGAIN_MS = 60_000;
const TRY_AGAIN_MS = 5_000;

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const session = new Session("customer");
const tokens = { get: () => session.get(), renew: () => session.renew() };
useTokens(tokens);
session.ended = () => {
  app.signInNeeded = true;
  draw();
};

Object.assign(app, {
  session,
  push: new Push(tokens, (state) => shell.changed(state)),
  draw,
  go,
  failed: (/** @type {unknown} */ problem, /** @type {(sku: string) => string} */ names) => notice(explain(problem, names), "bad"),
  loadCoupons,
});

const shell = startShell({
  page: "page.customer",
  push: () => app.push,
  extra: () => [
    app.view === "order" ? soundSwitch() : null,
    session.get() ? el("a", { class: "button plain", href: "#/orders" }, t("order.mine")) : null,
  ],
  redraw: draw,
});

/** @param {string} hash @param {Order} [order] the order that the address names, where it is known already */
function go(hash, order) {
  if (order) keepOrder(order);
  location.hash = hash;
}

let offersKnown = false;

async function loadCoupons() {
  const [campaigns, mine] = await Promise.all([
    call("GET", "/v1/campaigns", { open: true }),
    session.get() ? listAll("/v1/me/coupons", "coupons") : [],
  ]);
  app.campaigns = campaigns.campaigns;
  app.coupons = mine;
  offersKnown = true;
}

// In the sandbox everybody is a guest of their own; elsewhere one may look without a token, but not order.
async function signIn() {
  if (!session.get()) {
    const name = Array.from(crypto.getRandomValues(new Uint8Array(5)), (byte) => byte.toString(36)).join("");
    app.signInNeeded = !(await session.begin(`guest-${name}`));
  }
}

/** @type {[RegExp, (show: import("./customer-app.js").Show, ...parts: string[]) => Promise<void>][]} */
const routes = [
  [/^#\/store\/([^/]+)(\/cart)?$/, (show, id, cart) => openStore(decodeURIComponent(id), Boolean(cart), show)],
  [/^#\/order\/([^/]+)$/, (show, id) => openOrder(decodeURIComponent(id), show)],
  [/^#\/orders$/, (show) => openOrders(show)],
  [/^/, (show) => openStores(show)],
];
/** @type {Record<string, () => Element>} */
const views = { stores: storesView, store: storeView, order: orderView, orders: ordersView };

const shown = () => (app.view === "store" && app.showCart ? "cart" : app.view);
let turn = 0;

// Somebody may go on before a view has come: what belongs to an address that was left is never shown.
async function route() {
  turn += 1;
  const mine = turn;
  const before = shown();
  let entered = false;
  app.leave?.();
  app.leave = null;
  dismissDialogs();
  const show = (/** @type {() => void} */ enter) => {
    if (mine !== turn) return;
    if (!entered && app.view === "order") app.view = null;
    enter();
    draw();
    // A new view begins at its heading, for eyes and screen readers alike; the first one begins at the page.
    if (!entered && before !== null && before !== shown()) {
      scrollTo(0, 0);
      clearNotices();
      /** @type {HTMLElement | null} */ (main.querySelector(shown() === "cart" ? "#cart-title" : "h1"))?.focus();
    }
    entered = true;
  };
  const [pattern, open] = /** @type {typeof routes[number]} */ (routes.find(([one]) => one.test(location.hash)));
  try {
    await open(show, ...(location.hash.match(pattern) ?? []).slice(1));
  } catch (problem) {
    show(() => Object.assign(app, { view: "failed", problem }));
  }
}

function draw() {
  shell.draw();
  if (app.view === null) return;
  if (app.view === "failed") {
    title("");
    render(main, el("div", { class: "empty problem" }, el("h1", { tabindex: "-1" }, explain(app.problem)), el("button", { type: "button", onclick: route }, t("again")), el("a", { href: "#/" }, t("stores.title"))));
    return;
  }
  render(main, el("div", { "data-key": app.view }, views[app.view]()));
}

addEventListener("hashchange", route);
chime.listen(shell.draw);
render(main, el("p", { class: "empty" }, t("loading")));
// Menus and stores need no token: they are asked for at the same time as one.
app.signedIn = signIn().catch(app.failed);
app.signedIn.then(loadCoupons).catch(app.failed).then(draw);
route();
keepPage();

// Offers and stock move while somebody reads: look again now and then, and when they come back to the page.
async function lookAgain() {
  if (document.visibilityState !== "visible" || app.view !== "store" || app.offline) return;
  const { id } = app.store;
  try {
    const [menu, store] = await Promise.all([call("GET", path`/v1/stores/${id}/menu`, { open: true }), findStore(id)]);
    await loadCoupons();
    if (app.view !== "store" || app.store.id !== id) return;
    Object.assign(app, { menu, store: store ?? app.store });
    draw();
  } catch {
    // what is shown stays; the next tap says what is wrong
  }
}

// A line that was cut is tried again without being asked: by the browser's word, and by the clock.
function tryAgain() {
  if (app.offline || (app.view === "failed" && isAway(app.problem))) route();
  if (!session.get() && !app.signInNeeded) {
    app.signedIn = signIn().catch(() => {});
    app.signedIn.then(loadCoupons).catch(() => {}).then(draw);
  } else if (!offersKnown) {
    loadCoupons().catch(() => {}).then(draw);
  }
}

document.addEventListener("visibilitychange", lookAgain);
addEventListener("online", tryAgain);
setInterval(lookAgain, LOOK_AGAIN_MS);
setInterval(tryAgain, TRY_AGAIN_MS);
