// The customer page: which view the address asks for, and what the views share.

import { app } from "./customer-app.js";
import { call, listAll, useTokens, path } from "./api.js";
import { clearNotices, el, render, notice } from "./dom.js";
import { t, explain } from "./language.js";
import { Session } from "./session.js";
import { startShell, title } from "./shell.js";
import { Push } from "./socket.js";
import { openStores, storesView, findStore } from "./customer-stores.js";
import { openStore, storeView } from "./customer-menu.js";
import { openOrder, orderView, openOrders, ordersView } from "./customer-order.js";

const main = document.getElementById("main");
const session = new Session("customer");
const tokens = { get: () => session.get(), renew: () => session.renew() };
useTokens(tokens);

Object.assign(app, {
  session,
  push: new Push(tokens, (state) => shell.changed(state)),
  draw,
  go: (hash) => (location.hash = hash),
  failed: (problem, names) => notice(explain(problem, names), "bad"),
  loadCoupons,
});

const shell = startShell({
  page: "page.customer",
  push: () => app.push,
  extra: () => (session.get() ? el("a", { class: "button plain", href: "#/orders" }, t("order.mine")) : null),
  redraw: draw,
});

async function loadCoupons() {
  const [campaigns, mine] = await Promise.all([
    call("GET", "/v1/campaigns", { open: true }),
    session.get() ? listAll("/v1/me/coupons", "coupons") : [],
  ]);
  app.campaigns = campaigns.campaigns;
  app.coupons = mine;
}

// In the sandbox everybody is a guest of their own; elsewhere one may look without a token, but not order.
async function signIn() {
  if (session.get()) return;
  const name = Array.from(crypto.getRandomValues(new Uint8Array(5)), (byte) => byte.toString(36)).join("");
  await session.begin(`guest-${name}`);
}

const routes = [
  [/^#\/store\/([^/]+)(\/cart)?$/, (id, cart) => openStore(decodeURIComponent(id), Boolean(cart))],
  [/^#\/order\/([^/]+)$/, (id) => openOrder(decodeURIComponent(id))],
  [/^#\/orders$/, () => openOrders()],
];
const views = { stores: storesView, store: storeView, order: orderView, orders: ordersView };

const shown = () => (app.view === "store" && app.showCart ? "cart" : app.view);

async function route() {
  const before = shown();
  app.leave?.();
  app.leave = null;
  const [pattern, open] = routes.find(([one]) => one.test(location.hash)) ?? [null, null];
  try {
    if (open) await open(...location.hash.match(pattern).slice(1));
    else await openStores();
  } catch (problem) {
    app.view = "failed";
    app.problem = problem;
  }
  draw();
  // A new view begins at its heading, for eyes and screen readers alike; the first one begins at the page.
  if (before !== null && before !== shown()) {
    scrollTo(0, 0);
    clearNotices();
    main.querySelector(shown() === "cart" ? "#cart-title" : "h1")?.focus();
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
render(main, el("p", { class: "empty" }, t("loading")));
try {
  await signIn();
  await loadCoupons();
} catch (problem) {
  app.failed(problem);
}
await route();

// Offers and stock move while somebody reads: look again now and then, and when they come back to the page.
const LOOK_AGAIN_MS = 60_000;

async function lookAgain() {
  if (document.visibilityState !== "visible" || app.view !== "store") return;
  try {
    app.menu = await call("GET", path`/v1/stores/${app.store.id}/menu`, { open: true });
    app.store = (await findStore(app.store.id)) ?? app.store;
    await loadCoupons();
    draw();
  } catch {
    // what is shown stays; the next tap says what is wrong
  }
}

document.addEventListener("visibilitychange", lookAgain);
setInterval(lookAgain, LOOK_AGAIN_MS);
