// An order that can't be missed: it rings until somebody has seen it, and again when nobody has answered it for a minute.

import { chime } from "./chime.js";

const EVERY_MS = 4_000;
const AGAIN_AFTER_MS = 60_000;

export class Ringer {
  /** @type {Map<string, number>} id of every order that waits -> when it was seen here (performance.now), or 0 */
  #waiting = new Map();
  #timer = 0;
  #changed;

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** Orders that wait and that nobody here has seen yet. */
  get unseen() {
    return [...this.#waiting.values()].filter((seen) => seen === 0).length;
  }

  /** Takes the orders that wait for an answer now; gives how many of them are new. @param {Order[]} orders */
  update(orders) {
    const before = this.#waiting;
    this.#waiting = new Map(orders.map((order) => [order.id, before.get(order.id) ?? 0]));
    const fresh = orders.filter((order) => !before.has(order.id)).length;
    if (fresh > 0) this.#ring();
    return fresh;
  }

  /** Somebody has seen all of them. */
  seen() {
    for (const id of this.#waiting.keys()) this.#waiting.set(id, performance.now());
    this.#changed();
  }

  #ring(late = false) {
    clearTimeout(this.#timer);
    if (this.#waiting.size === 0) return;
    if (this.unseen > 0) chime.ring(late ? "late" : "new");
    this.#timer = setTimeout(() => this.#again(), EVERY_MS);
  }

  // Seen is not answered: after a minute it is as if nobody had.
  #again() {
    let late = false;
    for (const [id, seen] of this.#waiting) {
      if (seen === 0 || performance.now() - seen < AGAIN_AFTER_MS) continue;
      this.#waiting.set(id, 0);
      late = true;
    }
    if (late) this.#changed();
    this.#ring(late);
  }
}
