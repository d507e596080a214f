// The open orders of a store, kept equal to the node's by topic `store/ID`, or by the queue while the socket is away. Nothing here
// guesses: an order changes when the node says so.

import { call, path, Problem } from "./api.js";
import { notice } from "./dom.js";
import { explain } from "./language.js";

const IN_STORE = ["paid", "accepted", "ready"];
const CLOSED_REMEMBERED = 500;
const PAGE = 500;
const PAGES_MAX = 20;

export class StoreOrders {
  #desk;
  #changed;
  /** @type {Map<string, number>} id -> offset: a late answer must not bring back what is over */
  #closed = new Map();
  /** @type {Order[] | null} orders taken while a poll was under way: its answer may be older */
  #meanwhile = null;
  /** @type {Set<string>} */
  #busy = new Set();

  /** @param {import("./staff.js").Desk} desk @param {(order: Order | null) => void} changed is told which order changed, or null for all */
  constructor(desk, changed) {
    this.#desk = desk;
    this.#changed = changed;
    /** @type {Map<string, Order>} */
    this.open = new Map();
    this.known = false; // whether the node has told us anything yet
  }

  /** Follows the store. Returns at once: what there is comes when the line is there. */
  start() {
    const { push, store } = this.#desk;
    push.subscribe(`store/${store.id}`, {
      snapshot: (/** @type {any} */ data) => (data.more ? this.poll().catch(() => {}) : this.#replace(data.orders)),
      event: (/** @type {string} */ _, /** @type {Order} */ order) => this.take(order),
      poll: () => this.poll(),
      problem: (/** @type {unknown} */ problem) => notice(explain(problem), "bad"),
    });
    this.poll().catch(() => {}); // whichever is first; the socket may be refused on the way
  }

  /** Everything open, by the queue: from an empty cursor until nothing new comes. */
  async poll() {
    const found = [];
    /** @type {Order[]} */
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
      if (this.#meanwhile === meanwhile) this.#meanwhile = null;
    }
    this.#replace([...found, ...meanwhile]);
  }

  /** @param {Order[]} orders */
  #replace(orders) {
    const before = this.open;
    this.open = new Map();
    for (const order of orders) {
      const known = before.get(order.id);
      this.#put(known && known.offset > order.offset ? known : order);
    }
    this.known = true;
    this.#changed(null);
  }

  /** Takes one order as it is now; an older state than the one known is left. @param {Order} order */
  take(order) {
    this.#meanwhile?.push(order);
    this.#put(order);
    this.#changed(order);
  }

  /** @param {Order} order */
  #put(order) {
    const offset = this.open.get(order.id)?.offset ?? this.#closed.get(order.id) ?? -1;
    if (offset > order.offset) return;
    if (IN_STORE.includes(order.status)) {
      this.open.set(order.id, order);
      return;
    }
    this.open.delete(order.id);
    this.#closed.set(order.id, order.offset);
    if (this.#closed.size > CLOSED_REMEMBERED) this.#closed.delete(this.#closed.keys().next().value ?? "");
  }

  /** Orders in one of these statuses, the longest waiting first. @param {string[]} statuses */
  in(...statuses) {
    return [...this.open.values()].filter((order) => statuses.includes(order.status)).sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
  }

  /** Whether an action about this order is under way. @param {string} id */
  isBusy(id) {
    return this.#busy.has(id);
  }

  /**
   * `accept`, `reject`, `ready` or `collected`; a second tap while it is under way does nothing. Gives the order as it is then, or
   * the problem (which was told, unless `quiet`). Who tries again by itself asks for one of `attempts`.
   * @param {Order} order @param {string} step @param {unknown} [body] @param {{ quiet?: boolean, attempts?: number }} [how]
   */
  async act(order, step, body, { quiet = false, attempts } = {}) {
    if (this.#busy.has(order.id)) return {};
    this.#busy.add(order.id);
    this.#changed(order);
    try {
      const now = await call("POST", `${path`/v1/orders/${order.id}`}/${step}`, { body, attempts });
      this.take(now);
      return { now };
    } catch (problem) {
      if (!quiet) notice(explain(problem), "bad");
      if (problem instanceof Problem && [404, 409].includes(problem.status)) await this.poll().catch(() => {});
      return { problem };
    } finally {
      this.#busy.delete(order.id);
      this.#changed(order);
    }
  }
}
