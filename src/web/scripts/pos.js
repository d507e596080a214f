// The POS page: every paid order, accepted, rejected, called ready, handed over; pausing; what is sold out.

import { call, path } from "./api.js";
import { announce, ask, el, notice, once } from "./dom.js";
import { clock, minutesSince, money } from "./format.js";
import { explain, t } from "./language.js";
import { chime } from "./chime.js";
import { startDesk, StoreOrders, ticketLines } from "./staff.js";
import { loadStock, stockView } from "./pos-stock.js";

const state = { orders: null, tab: "orders", waiting: 0, pause: null };

async function start(desk) {
  state.orders = new StoreOrders(desk, () => {
    const waiting = state.orders.in("paid").length;
    if (waiting > state.waiting && desk.ready) {
      announce(t("pos.new-announce", { count: waiting }));
      chime.ring();
    }
    state.waiting = waiting;
    if (desk.ready) desk.draw();
  });
  await state.orders.start();
  setInterval(desk.draw, 30_000); // ages
}

async function accept(order) {
  const now = await state.orders.act(order, "accept");
  if (now?.pickup_code) announce(t("pos.accepted-announce", { code: now.pickup_code }));
}

async function reject(order) {
  const reasons = ["sold-out", "busy", "closing"].map((key) => t(`reject.${key}`));
  const reason = await ask(t("reject.title"), (close) =>
    el("form", { onsubmit: (event) => {
      event.preventDefault();
      const data = new FormData(event.target);
      const text = data.get("reason") === "other" ? String(data.get("other")).trim() : data.get("reason");
      if (text) close(text);
      else event.target.elements.other.focus();
    } },
      el("h2", {}, t("reject.title")),
      el("fieldset", {}, el("legend", {}, t("reject.why")),
        reasons.map((text, index) => el("label", { class: "choice" }, el("input", { type: "radio", name: "reason", value: text, checked: index === 0 }), text)),
        el("label", { class: "choice" }, el("input", { type: "radio", name: "reason", value: "other" }), t("reject.other")),
        el("input", { name: "other", maxlength: "200", "aria-label": t("reject.other"), oninput: (event) => (event.target.form.elements.reason.value = "other") })),
      el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => close(null) }, t("cancel")), el("button", { class: "danger", type: "submit" }, t("reject.send")))));
  if (reason) await state.orders.act(order, "reject", { reason });
}

const setAccepting = once(async (desk) => {
  const accepting = !desk.store.accepting;
  let until = null;
  if (!accepting) {
    const minutes = await ask(t("pause.title"), (close) =>
      el("form", { onsubmit: (event) => { event.preventDefault(); close(Number(new FormData(event.target).get("minutes"))); } },
        el("h2", {}, t("pause.title")),
        el("fieldset", {}, el("legend", {}, t("pause.how-long")),
          [15, 30, 60, 0].map((value, index) => el("label", { class: "choice" }, el("input", { type: "radio", name: "minutes", value, checked: index === 0 }), value ? t("pause.minutes", { minutes: value }) : t("pause.open")))),
        el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => close(null) }, t("cancel")), el("button", { class: "primary", type: "submit" }, t("pos.pause")))));
    if (minutes === null) return;
    until = minutes ? new Date(Date.now() + minutes * 60_000).toISOString() : null;
  }
  try {
    const now = await call("PUT", path`/v1/stores/${desk.store.id}/accepting`, { body: { accepting, ...(until ? { until } : {}) } });
    desk.store.accepting = now.accepting;
    state.pause = now.until ?? null;
    // A pause with an end is over by itself; the page says so when it is.
    if (now.until) setTimeout(() => { if (state.pause === now.until) { desk.store.accepting = true; desk.draw(); } }, Math.max(0, Date.parse(now.until) - Date.now()));
  } catch (problem) {
    notice(explain(problem), "bad");
  }
  desk.draw();
});

function ticket(order) {
  const busy = state.orders.isBusy(order.id);
  const button = (key, kind, action) => el("button", { type: "button", class: `large ${kind}`, disabled: busy, onclick: action }, t(key));
  const age = minutesSince(order.paid_at);
  return el("li", { class: "card ticket", "data-key": order.id, "data-testid": `ticket-${order.id}` },
    el("div", { class: "row" },
      order.pickup_code ? el("strong", { class: "ticket-code numbers" }, order.pickup_code) : el("strong", { class: "numbers" }, `#${order.position ?? ""}`),
      el("span", { class: `tag push-right numbers ${age >= 5 && order.status === "paid" ? "bad" : ""}` }, t("pos.minutes", { minutes: age }))),
    ticketLines(order),
    el("p", { class: "muted small numbers" }, t("pos.paid", { price: money(order.payable, order.currency) }), " · ", clock(order.paid_at), " · ", order.id),
    el("div", { class: "row ticket-buttons" },
      order.status === "paid" ? button("pos.accept", "primary", () => accept(order)) : null,
      order.status === "accepted" ? button("pos.mark-ready", "primary", () => state.orders.act(order, "ready")) : null,
      order.status === "ready" ? button("pos.collected", "good", () => state.orders.act(order, "collected")) : null,
      button("pos.reject", "plain", () => reject(order))));
}

function column(key, ...statuses) {
  const orders = state.orders.in(...statuses);
  return el("section", { class: "column", "aria-labelledby": key },
    el("h2", { id: key }, t(key), " ", el("span", { class: "tag numbers" }, orders.length)),
    orders.length === 0 ? el("p", { class: "empty" }, t("pos.none")) : null,
    el("ul", { class: "tickets" }, orders.map(ticket)));
}

function view(desk) {
  const tab = (key, name) => el("button", { type: "button", class: state.tab === name ? "primary" : "", "aria-pressed": String(state.tab === name), onclick: async () => {
    state.tab = name;
    if (name === "stock") await loadStock(desk);
    desk.draw();
  } }, t(key));
  return el("div", { class: "desk" },
    el("h1", { class: "hidden-visually" }, `${t("page.pos")} · ${desk.store.name}`),
    el("div", { class: "row desk-bar" },
      tab("pos.orders", "orders"), tab("pos.stock", "stock"),
      el("span", { class: `tag push-right ${desk.store.accepting ? "good" : "warn"}` }, desk.store.accepting ? t("pos.accepting") : state.pause ? t("pos.paused-until", { time: clock(state.pause) }) : t("pos.paused")),
      el("button", { type: "button", class: desk.store.accepting ? "danger" : "primary", onclick: () => setAccepting(desk) }, t(desk.store.accepting ? "pos.pause" : "pos.resume"))),
    state.tab === "stock"
      ? el("div", { "data-key": "stock" }, stockView(desk))
      : el("div", { class: "columns", "data-key": "orders" }, column("pos.new", "paid"), column("pos.making", "accepted"), column("pos.ready", "ready")));
}

await startDesk({
  page: "page.pos",
  start,
  view,
  extra: (desk) => el("label", { class: "choice" }, el("input", { type: "checkbox", checked: chime.on, onchange: (event) => { chime.set(event.target.checked); desk.draw(); } }), t("pos.sound")),
});
