// What POS, kitchen and call screen share: signing in to one store, and that store's orders, live.

import { call, listAll, path, useTokens } from "./api.js";
import { el, notice, render } from "./dom.js";
import { explain, named, t } from "./language.js";
import { Session } from "./session.js";
import { startShell, title } from "./shell.js";
import { Push } from "./socket.js";

const IN_STORE = ["paid", "accepted", "ready"];
const CLOSED_REMEMBERED = 500;
const PAGE = 500;
const PAGES_MAX = 20;

/**
 * Starts a staff page. `page` is its title's key; `start(desk)` is called once a store is known, with
 * `{session, push, store, shell, draw}`; `view(desk)` gives what the page shows; `extra(desk)` further header elements.
 */
export async function startDesk({ page, start, view, extra = () => [] }) {
  const main = document.getElementById("main");
  const session = new Session("store");
  const tokens = { get: () => session.get(), renew: () => session.renew() };
  useTokens(tokens);
  const form = { stores: [], choice: null, paste: false, open: false };
  const desk = { session, push: new Push(tokens, (state) => shell.changed(state)), store: null, draw, shell: null, ready: false };

  const shell = startShell({
    page,
    push: () => desk.push,
    extra: () => (desk.store ? [el("strong", {}, desk.store.name), extra(desk)] : []),
    redraw: draw,
  });
  desk.shell = shell;

  function draw() {
    title(desk.store ? `${t(page)} · ${desk.store.name}` : t(page));
    shell.draw();
    if (desk.ready) render(main, view(desk));
    else render(main, el("div", { "data-key": "session" }, signInView()));
  }

  async function enter(storeId) {
    desk.store = form.stores.find((store) => store.id === storeId) ?? { id: storeId, name: storeId, accepting: true, open: true };
    // The address names the store, so that a reload or a bookmark opens the same one.
    history.replaceState(null, "", `${location.pathname}?store=${encodeURIComponent(storeId)}`);
    await start(desk);
    desk.ready = true;
    draw();
  }

  async function choose(event) {
    event?.preventDefault();
    try {
      if (session.get() && !session.sandbox) return await enter(session.store ?? form.choice);
      if (session.get() && session.store === form.choice) return await enter(form.choice);
      if (await session.begin(`${page.split(".").pop()}-${form.choice}`, form.choice)) return await enter(form.choice);
      form.paste = true;
    } catch (problem) {
      notice(explain(problem), "bad");
    }
    return draw();
  }

  async function paste(event) {
    event.preventDefault();
    if (!session.adopt(new FormData(event.target).get("token") ?? "")) return notice(t("staff.token-bad"), "bad");
    form.paste = false;
    return session.store ? choose() : draw();
  }

  function signInView() {
    if (form.paste) {
      return el("form", { class: "card session", onsubmit: paste },
        el("h1", {}, t(page)),
        el("div", { class: "field" }, el("label", { for: "token" }, t("staff.token")), el("textarea", { id: "token", name: "token", rows: "4", required: true, autocomplete: "off", spellcheck: "false", "aria-describedby": "token-hint" }),
          el("p", { class: "muted small", id: "token-hint" }, t("staff.token-hint"))),
        el("button", { class: "primary large", type: "submit" }, t("staff.start")));
    }
    return el("form", { class: "card session", onsubmit: choose },
      el("h1", {}, t(page)), el("p", { class: "muted" }, t("staff.choose")),
      el("div", { class: "field" }, el("label", { for: "store" }, t("staff.store")),
        el("select", { id: "store", value: form.choice ?? "", onchange: (event) => (form.choice = event.target.value) }, form.stores.map((store) => el("option", { value: store.id, selected: store.id === form.choice }, `${store.city} · ${store.name}`)))),
      el("button", { class: "primary large", type: "submit", disabled: form.stores.length === 0 }, t("staff.start")));
  }

  draw();
  for (let wait = 1000; !form.open; wait = Math.min(wait * 2, 15_000)) {
    try {
      form.stores = await listAll("/v1/stores?limit=500", "stores", { open: true, attempts: 1 });
      form.open = true;
    } catch (problem) {
      notice(explain(problem), "bad");
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  const asked = new URLSearchParams(location.search).get("store") ?? session.store;
  form.choice = asked ?? form.stores[0]?.id ?? null;
  if (asked && form.stores.some((store) => store.id === asked)) await choose();
  else draw();
}

/** The open orders of a store, kept equal to the node's by topic `store/ID`, or by the queue while the socket is away. */
export class StoreOrders {
  #desk;
  #changed;
  #closed = new Map(); // id -> offset: a late answer must not bring back what is over
  #meanwhile = null; // orders taken while a poll was under way: its answer may be older

  constructor(desk, changed) {
    this.#desk = desk;
    this.#changed = changed;
    this.open = new Map(); // id -> order
  }

  async start() {
    const { push, store } = this.#desk;
    await this.poll();
    push.subscribe(`store/${store.id}`, {
      snapshot: (data) => (data.more ? this.poll().catch(() => {}) : this.#replace(data.orders)),
      event: (_, order) => this.take(order),
      poll: () => this.poll(),
      problem: (problem) => notice(explain(problem), "bad"),
    });
  }

  /** Everything open, by the queue: from an empty cursor until nothing new comes. */
  async poll() {
    const found = [];
    const meanwhile = [];
    this.#meanwhile = meanwhile;
    try {
      let after = "";
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const { orders, cursor } = await call("GET", `${path`/v1/stores/${this.#desk.store.id}/queue`}?limit=${PAGE}&wait=0${after ? `&after=${encodeURIComponent(after)}` : ""}`);
        found.push(...orders);
        if (orders.length < PAGE) break;
        after = cursor;
      }
    } finally {
      this.#meanwhile = null;
    }
    this.#replace([...found, ...meanwhile]);
  }

  #replace(orders) {
    const before = this.open;
    this.open = new Map();
    for (const order of orders) {
      const known = before.get(order.id);
      this.#put(known && known.offset > order.offset ? known : order);
    }
    this.#changed();
  }

  /** Takes one order as it is now; an older state than the one known is left. */
  take(order) {
    this.#meanwhile?.push(order);
    this.#put(order);
    this.#changed();
  }

  #put(order) {
    const offset = this.open.get(order.id)?.offset ?? this.#closed.get(order.id) ?? -1;
    if (offset > order.offset) return;
    if (IN_STORE.includes(order.status)) {
      this.open.set(order.id, order);
      return;
    }
    this.open.delete(order.id);
    this.#closed.set(order.id, order.offset);
    if (this.#closed.size > CLOSED_REMEMBERED) this.#closed.delete(this.#closed.keys().next().value);
  }

  /** Orders in one of these statuses, the longest waiting first. */
  in(...statuses) {
    return [...this.open.values()].filter((order) => statuses.includes(order.status)).sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
  }

  #busy = new Set();
  isBusy(id) {
    return this.#busy.has(id);
  }

  /** `accept`, `reject`, `ready` or `collected`; a second tap while it is under way does nothing. */
  async act(order, step, body) {
    if (this.#busy.has(order.id)) return null;
    this.#busy.add(order.id);
    this.#changed();
    try {
      const now = await call("POST", `${path`/v1/orders/${order.id}`}/${step}`, { body });
      this.take(now);
      return now;
    } catch (problem) {
      notice(explain(problem), "bad");
      if (problem.status === 409 || problem.status === 404) await this.poll().catch(() => {});
      return null;
    } finally {
      this.#busy.delete(order.id);
      this.#changed();
    }
  }
}

/** The lines of an order as a list, with options and note. */
export function ticketLines(order) {
  return [
    el("ul", { class: "ticket-lines" }, order.lines.map((line) =>
      el("li", {}, el("span", { class: "numbers ticket-quantity" }, `${line.quantity}×`), el("span", {}, named(line.name), el("span", { class: "ticket-options" }, (line.options ?? []).map((one) => named(one.name) || one.choice).join(" · ")))))),
    order.note ? el("p", { class: "ticket-note" }, el("strong", {}, `${t("cart.note")}: `), order.note) : null,
  ];
}
