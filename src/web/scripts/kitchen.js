// The kitchen page: what to make, oldest first, readable from two metres; what the POS has not accepted yet, smaller.

import { el } from "./dom.js";
import { clock, minutesSince } from "./format.js";
import { t } from "./language.js";
import { startDesk, StoreOrders, ticketLines } from "./staff.js";

const LATE_MINUTES = 15;
let orders = null;

async function start(desk) {
  orders = new StoreOrders(desk, () => desk.ready && desk.draw());
  await orders.start();
  setInterval(desk.draw, 15_000); // ages
}

function ticket(order) {
  const since = order.accepted_at ?? order.paid_at;
  const age = minutesSince(since);
  const late = age >= LATE_MINUTES;
  return el("li", { class: `card ticket ${late ? "late" : ""} ${order.status}`, "data-key": order.id, "data-testid": `ticket-${order.id}` },
    el("div", { class: "row" },
      el("strong", { class: "ticket-code numbers" }, order.pickup_code ?? `#${order.position ?? ""}`),
      el("span", { class: `tag push-right numbers ${late ? "bad" : ""}` }, t("kitchen.age", { minutes: age }), late ? ` · ${t("kitchen.late")}` : ` · ${clock(since)}`)),
    ticketLines(order),
    order.status === "accepted"
      ? el("button", { type: "button", class: "primary large wide", disabled: orders.isBusy(order.id), onclick: () => orders.act(order, "ready") }, t("kitchen.done", { code: order.pickup_code ?? "" }))
      : null);
}

function list(key, found) {
  return el("section", { "aria-labelledby": key },
    el("h2", { id: key }, t(key), " ", el("span", { class: "tag numbers" }, t("kitchen.count", { count: found.length }))),
    el("ul", { class: "kitchen-tickets" }, found.map(ticket)));
}

await startDesk({
  page: "page.kitchen",
  start,
  view: (desk) => {
    const making = orders.in("accepted");
    const waiting = orders.in("paid");
    return el("div", { class: "desk" },
      el("h1", { class: "hidden-visually" }, `${t("page.kitchen")} · ${desk.store.name}`),
      making.length + waiting.length === 0 ? el("p", { class: "empty" }, t("kitchen.none")) : null,
      making.length > 0 ? list("kitchen.to-make", making) : null,
      waiting.length > 0 ? list("kitchen.waiting", waiting) : null);
  },
});
