// The kitchen page: what to make, oldest first, readable from two metres and used with wet hands; how much of each dish over all
// tickets; what the POS has not accepted yet, smaller.

import { chime } from "./chime.js";
import { announce, el, memo } from "./dom.js";
import { clock } from "./format.js";
import { keyBar, listenToKeys } from "./keys.js";
import { Bumps } from "./kitchen-bump.js";
import { language, named, t } from "./language.js";
import { gradually, startDesk, ticketLines } from "./staff.js";
import { StoreOrders } from "./staff-orders.js";
import { minutesSince, secondsSince } from "./time.js";

const WARN_MINUTES = 5;
const LATE_MINUTES = 10;

/** @type {StoreOrders} */
let orders;
/** @type {Bumps} */
let bumps;
/** @type {import("./staff.js").Desk} */
let desk;
let known = new Set();
let totalsShown = true;

/** @param {import("./staff.js").Desk} started */
function start(started) {
  desk = started;
  orders = new StoreOrders(desk, () => {
    bumps.tidy();
    const ids = new Set(orders.in("accepted").map((order) => order.id));
    const fresh = [...ids].filter((id) => !known.has(id)).length;
    known = ids;
    if (fresh > 0) {
      chime.ring("new");
      announce(t("kitchen.new-announce", { count: ids.size }));
    }
    desk.draw();
  });
  bumps = new Bumps(orders, () => desk.draw());
  orders.start();
  setInterval(tick, 1000);
}

/** What a ticket's clock counts from. @param {Order} order */
const since = (order) => order.accepted_at ?? order.paid_at ?? order.created_at;

/** What is to be made, the oldest ticket first: a new one never moves the others, nor their keys. */
const toMake = () => orders.in("accepted").sort((a, b) => Date.parse(since(a)) - Date.parse(since(b)));

/** @param {Order} order */
function level(order) {
  const age = minutesSince(since(order));
  return age >= LATE_MINUTES ? "late" : age >= WARN_MINUTES ? "warn" : "fresh";
}

/** @param {string} time */
function timer(time) {
  const seconds = secondsSince(time);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

// Once a second only the clocks change; the tickets are drawn again when one of them has become older in colour.
let levels = "";
function tick() {
  if (document.visibilityState !== "visible" || !desk.ready) return;
  for (const node of document.querySelectorAll("[data-since]")) {
    const text = timer(/** @type {HTMLElement} */ (node).dataset.since ?? "");
    if (node.textContent !== text) node.textContent = text;
  }
  for (const node of document.querySelectorAll("[data-until]")) {
    node.textContent = t("kitchen.take-back", { seconds: Math.max(0, Math.ceil((Number(/** @type {HTMLElement} */ (node).dataset.until) - performance.now()) / 1000)) });
  }
  const present = orders.in("accepted", "paid").map(level).join();
  if (present !== levels) desk.draw();
  levels = present;
}

/** @param {Order} order @param {number} index */
function action(order, index) {
  const bump = bumps.of(order.id);
  const key = index < 9 ? el("kbd", { "aria-hidden": "true" }, index + 1) : null;
  if (!bump) return el("button", { type: "button", class: "primary large wide", onclick: () => bumps.bump(order) }, key, t("kitchen.done", { code: order.pickup_code ?? "" }));
  if (bump.state === "sending") return el("p", { class: "bump-state" }, t("kitchen.sending"));
  return el("div", { class: "bump" },
    bump.state === "unsent" ? el("p", { class: "bump-state bad" }, t("kitchen.unsent")) : null,
    el("button", { type: "button", class: "large wide", onclick: () => bumps.takeBack(order.id) }, key,
      bump.state === "counting" ? el("span", { class: "numbers", "data-until": bump.until }, t("kitchen.take-back", { seconds: 5 })) : t("kitchen.take-back-now")));
}

/** @param {Order} order @param {number} index */
function ticket(order, index) {
  const state = bumps.of(order.id)?.state ?? "";
  const colour = level(order);
  const making = order.status === "accepted";
  return memo("li", order.id, `${order.offset} ${colour} ${state} ${making ? Math.min(index, 9) : ""} ${language()}`, () =>
    el("li", { class: `card ticket ${order.status} ${colour} ${state ? "bumped" : ""}`, "data-testid": `ticket-${order.id}` },
      el("div", { class: "row ticket-head" },
        el("strong", { class: "ticket-code numbers" }, order.pickup_code ?? `#${order.position ?? ""}`),
        el("span", { class: "ticket-age push-right" },
          colour === "late" ? el("span", { class: "late-word" }, t("kitchen.late")) : null,
          el("span", { class: "timer numbers", role: "timer", "aria-live": "off", "data-since": since(order) }, timer(since(order))),
          el("span", { class: "small numbers" }, clock(since(order))))),
      ticketLines(order),
      making ? action(order, index) : null));
}

/** @param {string} key @param {Order[]} found */
function list(key, found) {
  return el("section", { "aria-labelledby": key, "data-key": key },
    el("h2", { id: key }, t(key), " ", el("span", { class: "tag numbers" }, t("kitchen.count", { count: found.length }))),
    el("ul", { class: "kitchen-tickets" }, gradually(found, desk.draw).map(ticket)));
}

/** How much of each dish all tickets together want, the most first. @param {Order[]} making */
function totals(making) {
  /** @type {Map<string, { name: Name, quantity: number }>} */
  const sums = new Map();
  for (const order of making) {
    if (bumps.of(order.id)) continue;
    for (const line of order.lines) {
      const sum = sums.get(line.sku) ?? { name: line.name, quantity: 0 };
      sum.quantity += line.quantity;
      sums.set(line.sku, sum);
    }
  }
  const sorted = [...sums].sort(([, a], [, b]) => b.quantity - a.quantity);
  return el("aside", { class: "totals card", "aria-label": t("kitchen.totals"), "data-key": "totals" },
    el("h2", {}, t("kitchen.totals")),
    el("ul", {}, sorted.map(([sku, { name, quantity }]) =>
      el("li", { "data-key": sku }, el("strong", { class: "numbers" }, quantity), el("span", {}, named(name) || sku)))));
}

const keys = () => [
  { key: "1-9", shown: "1–9", label: "keys.bump", run: (/** @type {string} */ digit) => {
    const order = toMake()[Number(digit) - 1];
    if (order && bumps.of(order.id)) bumps.takeBack(order.id);
    else if (order) bumps.bump(order);
  } },
  { key: "u", label: "keys.take-back", run: () => bumps.takeBack() },
  { key: "t", label: "kitchen.totals", run: () => { totalsShown = !totalsShown; desk.draw(); } },
  { key: "ArrowDown", shown: "↓ ↑", label: "keys.scroll", run: () => scrollBy(0, innerHeight * 0.8) },
  { key: "ArrowUp", label: "", run: () => scrollBy(0, -innerHeight * 0.8) },
];
listenToKeys(() => (desk?.ready ? keys() : []));

function view() {
  const making = toMake();
  const waiting = orders.in("paid");
  const withTotals = totalsShown && making.length > 1;
  return el("div", { class: `desk kitchen-desk ${withTotals ? "with-totals" : ""}` },
    el("h1", { class: "hidden-visually" }, `${t("page.kitchen")} · ${desk.store.name}`),
    el("div", { class: "kitchen-work", "data-key": "work" },
      making.length + waiting.length === 0 ? el("p", { class: "empty" }, orders.known ? t("kitchen.none") : t("loading")) : null,
      making.length > 0 ? list("kitchen.to-make", making) : null,
      waiting.length > 0 ? list("kitchen.waiting", waiting) : null),
    withTotals ? totals(making) : null,
    keyBar(keys()));
}

await startDesk({ page: "page.kitchen", start, view, heading: () => (orders.in("accepted").length > 0 ? `(${orders.in("accepted").length}) ` : "") });
