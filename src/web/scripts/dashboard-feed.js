// What is asked for by GET and shown until a newer answer comes: series, stores, orders. Only what the view wants, each
// at most every few seconds, a few at a time; a page that nobody looks at asks for nothing.

import { call, Problem } from "./api.js";
import { now } from "./time.js";

const AT_ONCE = 4;
const KEPT_MAX = 80;
/** After a refusal the same is not asked again at once. */
const AFTER_FAILURE_MS = 5_000;

/** @typedef {{data: any, problem: Problem | null, at: number, asked: number, running: boolean}} Answer */

export class Feed {
  /** @type {Map<string, Answer>} */
  #answers = new Map();
  /** @type {Hq.Wanted[]} */
  #wanted = [];
  #running = 0;
  #changed;

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** The last answer of a path, if there ever was one. @param {string} path @returns {Answer | undefined} */
  of(path) {
    return this.#answers.get(path);
  }

  /** Says what the view shows; asks for what is missing or older than `every` milliseconds. @param {Hq.Wanted[]} wanted */
  look(wanted) {
    this.#wanted = wanted;
    this.#next();
  }

  /** Asks for one path now, however young its answer is. @param {string} path */
  again(path) {
    const answer = this.#answers.get(path);
    if (answer) answer.asked = 0;
    this.#next();
  }

  forget() {
    this.#answers.clear();
    this.#wanted = [];
  }

  #next() {
    if (document.visibilityState !== "visible") return;
    for (const { path, every } of this.#wanted) {
      if (this.#running >= AT_ONCE) return;
      const answer = this.#answers.get(path);
      const pause = answer?.problem ? Math.max(every, AFTER_FAILURE_MS) : every;
      if (!answer || (!answer.running && Date.now() - answer.asked >= pause)) this.#ask(path);
    }
  }

  /** @param {string} path */
  async #ask(path) {
    const answer = this.#answers.get(path) ?? { data: null, problem: null, at: 0, asked: 0, running: false };
    answer.running = true;
    answer.asked = Date.now();
    this.#answers.delete(path);
    this.#answers.set(path, answer); // the newest last: the oldest is dropped first
    this.#running += 1;
    try {
      answer.data = await call("GET", path, { attempts: 1 });
      answer.problem = null;
      answer.at = now();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      answer.problem = problem;
    } finally {
      answer.running = false;
      this.#running -= 1;
      this.#drop();
      this.#changed();
      this.#next();
    }
  }

  #drop() {
    const shown = new Set(this.#wanted.map(({ path }) => path));
    for (const [path, answer] of this.#answers) {
      if (this.#answers.size <= KEPT_MAX) return;
      if (!shown.has(path) && !answer.running) this.#answers.delete(path);
    }
  }
}
