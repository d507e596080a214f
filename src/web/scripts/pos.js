// The POS page: every paid order rings until it is seen, is accepted with one key, called ready, handed over; pausing; the day; stock.

import { announce, ask, el, memo } from "./dom.js";
import { clock, money } from "./format.js";
import { keyBar, listenToKeys } from "./keys.js";
import { language, t } from "./language.js";
import { loadPause, pauseView, switchPause } from "./pos-pause.js";
import { Ringer } from "./pos-ring.js";
import { loadStock, stockView } from "./pos-stock.js";
import { loadToday, takeToday, todayView } from "./pos-today.js";
import { gradually, startDesk, ticketLines } from "./staff.js";
import { StoreOrders } from "./staff-orders.js";
import { minutesSince } from "./time.js";

const LATE_MINUTES = 5;
const AGES_EVERY_MS = 10_000;
const LOOK_EVERY_MS = 15_000;

/** @type {StoreOrders} */
let orders;
/** @type {import("./staff.js").Desk} */
let desk;
let tab = "orders";
const ringer = new Ringer(() => desk.draw());

/** @param {import("./staff.js").Desk} started */
function start(started) {
  desk = started;
  orders = new StoreOrders(desk, (changed) => {
    if (changed) takeToday(changed);
    const fresh = ringer.update(orders.in("paid"));
    if (fresh > 0) announce(t("pos.new-announce", { count: ringer.unseen }));
    desk.draw();
  });
  orders.start();
  loadPause(desk);
  setInterval(desk.draw, AGES_EVERY_MS);
  setInterval(() => {
    if (document.visibilityState !== "visible") return;
    loadPause(desk);
    if (tab === "stock") loadStock(desk).then(desk.draw);
  }, LOOK_EVERY_MS);
}

/** @param {Order} order */
async function accept(order) {
  const { now } = await orders.act(order, "accept");
  if (now?.pickup_code) announce(t("pos.accepted-announce", { code: now.pickup_code }));
}

/** @param {Order} order */
async function reject(order) {
  const reasons = ["sold-out", "busy", "closing"].map((key) => t(`reject.${key}`));
  const reason = await ask(t("reject.title"), (close) =>
    el("form", { onsubmit: (/** @type {any} */ event) => {
      event.preventDefault();
      const data = new FormData(event.target);
      const text = data.get("reason") === "other" ? String(data.get("other")).trim() : data.get("reason");
      if (text) close(text);
      else event.target.elements.other.focus();
    } },
      el("h2", {}, `${t("reject.title")} ${order.pickup_code ?? `#${order.position ?? ""}`}`),
      el("fieldset", {}, el("legend", {}, t("reject.why")),
        reasons.map((text, index) => el("label", { class: "choice" }, el("input", { type: "radio", name: "reason", value: text, checked: index === 0 }), text)),
        el("label", { class: "choice" }, el("input", { type: "radio", name: "reason", value: "other" }), t("reject.other")),
        el("input", { name: "other", maxlength: "200", "aria-label": t("reject.other"), oninput: (/** @type {any} */ event) => (event.target.form.elements.reason.value = "other") })),
      el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => close(null) }, t("cancel")), el("button", { class: "danger", type: "submit" }, t("reject.send")))));
  if (reason) await orders.act(order, "reject", { reason });
}

/** The step that comes next. @type {Record<string, { word: string, kind: string, run: (order: Order) => unknown }>} */
const NEXT = {
  paid: { word: "pos.accept", kind: "primary", run: accept },
  accepted: { word: "pos.mark-ready", kind: "primary", run: (order) => orders.act(order, "ready") },
  ready: { word: "pos.collected", kind: "good", run: (order) => orders.act(order, "collected") },
};

/** @param {Order} order */
function buttons(order) {
  const busy = orders.isBusy(order.id);
  const next = NEXT[order.status];
  if (!next) return null;
  return [
    el("button", { type: "button", class: `large ${next.kind}`, disabled: busy, "aria-busy": busy ? "true" : null, onclick: () => next.run(order) }, t(next.word)),
    el("button", { type: "button", class: "plain", disabled: busy, onclick: () => reject(order) }, t("pos.reject")),
  ];
}

/** @param {Order} order */
function ticket(order) {
  const age = minutesSince(order.paid_at ?? order.created_at);
  const late = age >= LATE_MINUTES && order.status === "paid";
  return memo("li", order.id, `${order.offset} ${age} ${orders.isBusy(order.id)} ${language()}`, () =>
    el("li", { class: `card ticket ${order.status} ${late ? "late" : ""}`, "data-testid": `ticket-${order.id}`, tabindex: "0", "data-order": order.id },
      el("div", { class: "row" },
        el("strong", { class: "ticket-code numbers" }, order.pickup_code ?? `#${order.position ?? ""}`),
        el("span", { class: `tag push-right numbers ${late ? "bad" : ""}` }, t("pos.minutes", { minutes: age }))),
      ticketLines(order),
      el("p", { class: "muted small numbers" }, t("pos.paid", { price: money(order.payable, order.currency) }), " · ", clock(order.paid_at ?? order.created_at), " · ", order.id),
      el("div", { class: "row ticket-buttons" }, buttons(order))));
}

/** @param {string} key @param {string} status */
function column(key, status) {
  const found = orders.in(status);
  return el("section", { class: "column", "aria-labelledby": key, "data-key": key },
    el("h2", { id: key }, t(key), " ", el("span", { class: `tag numbers ${status === "paid" && found.length > 0 ? "accent" : ""}` }, found.length)),
    found.length === 0 ? el("p", { class: "empty" }, orders.known ? t("pos.none") : t("loading")) : null,
    el("ul", { class: "tickets" }, gradually(found, desk.draw).map(ticket)));
}

/** @param {string} name */
async function show(name) {
  tab = name;
  desk.draw();
  if (name === "stock") await loadStock(desk);
  if (name === "today") await loadToday(desk);
  desk.draw();
}

function search() {
  show("today");
  requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById("find")?.focus()));
}

/** The ticket that has the focus, if it waits for this step; else the one that waits longest. @param {string} status */
function chosen(status) {
  const id = /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-order]"))?.dataset.order;
  const focused = id ? orders.open.get(id) : undefined;
  return focused?.status === status ? focused : orders.in(status)[0];
}

/** @param {number} step */
function move(step) {
  const all = [...document.querySelectorAll(".ticket")];
  const at = all.indexOf(/** @type {Element} */ (document.activeElement?.closest(".ticket")));
  const next = /** @type {HTMLElement | undefined} */ (all[Math.min(all.length - 1, Math.max(0, at + step))]);
  next?.focus();
}

/** @param {string} status */
const step = (status) => () => {
  const order = chosen(status);
  if (order) NEXT[status].run(order);
};

const keys = () => [
  { key: "a", label: "pos.accept", run: step("paid") },
  { key: "r", label: "pos.mark-ready", run: step("accepted") },
  { key: "c", label: "pos.collected", run: step("ready") },
  { key: "x", label: "pos.reject", run: () => { const order = chosen("paid"); if (order) reject(order); } },
  { key: "s", label: "pos.seen", run: () => ringer.seen() },
  { key: "/", label: "keys.find", run: search },
  { key: "p", label: "keys.pause", run: () => switchPause(desk) },
  { key: "ArrowDown", shown: "↓ ↑", label: "keys.next", run: () => move(1) },
  { key: "ArrowUp", label: "", run: () => move(-1) },
];
listenToKeys(() => (desk?.ready ? keys() : []));

function view() {
  const unseen = ringer.unseen;
  const button = (/** @type {string} */ key, /** @type {string} */ name) =>
    el("button", { type: "button", class: tab === name ? "chosen" : "", "aria-pressed": String(tab === name), onclick: () => show(name) }, t(key));
  return el("div", { class: "desk" },
    el("h1", { class: "hidden-visually" }, `${t("page.pos")} · ${desk.store.name}`),
    el("div", { class: "row desk-bar" }, button("pos.orders", "orders"), button("pos.today", "today"), button("pos.stock", "stock"), pauseView(desk)),
    tab === "stock" ? el("div", { "data-key": "stock" }, stockView(desk))
      : tab === "today" ? el("div", { "data-key": "today" }, todayView(desk, buttons, (order) => orders.isBusy(order.id)))
      : el("div", { class: "columns", "data-key": "orders" }, column("pos.new", "paid"), column("pos.making", "accepted"), column("pos.ready", "ready")),
    unseen > 0
      ? el("button", { type: "button", class: "alarm", "data-key": "alarm", onclick: () => ringer.seen() }, el("strong", {}, t("pos.new-announce", { count: unseen })), el("span", {}, t("pos.seen")))
      : null,
    keyBar(keys()));
}

await startDesk({
  page: "page.pos",
  start,
  view,
  heading: () => (ringer.unseen > 0 ? `(${ringer.unseen}) ` : ""),
});
