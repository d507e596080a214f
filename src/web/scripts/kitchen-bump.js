// Calling a ticket ready ("bump"): for five seconds it can be taken back, then it is sent. What could not be sent stays a ticket that
// says so at once, and is sent when the line is back; nothing is called ready that the node does not know of.

import { Problem } from "./api.js";

const TAKE_BACK_MS = 5_000;
const TRY_AGAIN_MS = 5_000;

/** @typedef {"counting" | "sending" | "unsent"} BumpState */

export class Bumps {
  /** @type {Map<string, { state: BumpState, timer: number, until: number }>} id of the order -> where its bump is */
  #bumps = new Map();
  #orders;
  #changed;

  /** @param {import("./staff-orders.js").StoreOrders} orders @param {() => void} changed */
  constructor(orders, changed) {
    this.#orders = orders;
    this.#changed = changed;
  }

  /** @param {string} id */
  of(id) {
    return this.#bumps.get(id) ?? null;
  }

  /** Begins to count down. @param {Order} order */
  bump(order) {
    if (this.#bumps.has(order.id) || order.status !== "accepted") return;
    const timer = setTimeout(() => this.#send(order.id), TAKE_BACK_MS);
    this.#bumps.set(order.id, { state: "counting", timer, until: performance.now() + TAKE_BACK_MS });
    this.#changed();
  }

  /** Takes a bump back that was not sent yet; without an id the latest one. @param {string} [id] */
  takeBack(id = [...this.#bumps].filter(([, { state }]) => state !== "sending").map(([one]) => one).pop()) {
    const bump = id && this.#bumps.get(id);
    if (!id || !bump || bump.state === "sending") return;
    clearTimeout(bump.timer);
    this.#bumps.delete(id);
    this.#changed();
  }

  /** Forgets bumps of orders that no longer wait for one: made, or rejected at the till meanwhile. */
  tidy() {
    for (const [id, { timer }] of this.#bumps) {
      if (this.#orders.open.get(id)?.status === "accepted") continue;
      clearTimeout(timer);
      this.#bumps.delete(id);
    }
  }

  /** @param {string} id */
  async #send(id) {
    const bump = this.#bumps.get(id);
    const order = this.#orders.open.get(id);
    if (!bump || !order) return;
    bump.state = "sending";
    this.#changed();
    const { problem } = await this.#orders.act(order, "ready", undefined, { quiet: true, attempts: 1 });
    if (problem instanceof Problem && problem.isAway) {
      bump.state = "unsent";
      bump.timer = setTimeout(() => this.#send(id), TRY_AGAIN_MS);
    } else {
      this.#bumps.delete(id);
    }
    this.#changed();
  }
}
