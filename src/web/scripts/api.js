// Calls of the node's HTTP API. Every call the pages make is safe to repeat (by its nature or by its Idempotency-Key),
// so a lost line or a busy node is tried again a few times before anybody is bothered.

import { heardTime } from "./time.js";

const ATTEMPTS = 3;
const TIMEOUT_MS = 15_000;
const RETRY_AFTER_MAX_MS = 5_000;

/** What the node (or the line) refused; `kind` is the last part of the problem's type, such as `out-of-stock`. */
export class Problem extends Error {
  /** @param {string} kind @param {number} status @param {any} members */
  constructor(kind, status, members = {}) {
    super(members.detail ?? members.title ?? kind);
    this.kind = kind;
    this.status = status;
    this.members = members;
  }

  /** Whether it is one of the line or of a node that is away, and trying again may help. */
  get isAway() {
    return this.status === 0 || this.status >= 500 || this.status === 429;
  }
}

/** @type {Tokens} */
let tokens = { get: () => null, renew: async () => false };

/** Tells the calls where their token comes from: `get()`, and `renew()` after a 401, true if there is a new one. @param {Tokens} provider */
export function useTokens(provider) {
  tokens = provider;
}

/** A key for one intention of one person; repeated as long as the intention is the same. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @typedef {{ body?: unknown, key?: string, open?: boolean, attempts?: number }} CallOptions */

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * `call("POST", "/v1/orders", {body, key})` → the answer's JSON; throws a `Problem`. `open: true` sends no token.
 * @param {string} method @param {string} path @param {CallOptions} options @returns {Promise<any>}
 */
export async function call(method, path, options = {}) {
  let renewed = false;
  let token = null;
  for (let attempt = 1; ; attempt += 1) {
    try {
      token = options.open ? null : tokens.get();
      return await callOnce(method, path, options, token);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      // Who has signed in meanwhile has a token already: an answer to the one before says nothing about it.
      if (problem.status === 401 && !options.open && !renewed && (tokens.get() !== token || (await tokens.renew()))) {
        renewed = true;
        continue;
      }
      const transient = problem.status === 0 || [429, 502, 503, 504].includes(problem.status);
      if (!transient || attempt >= (options.attempts ?? ATTEMPTS)) throw problem;
      await pause(Math.min(problem.members.retry_after_ms ?? 400 * 2 ** attempt, RETRY_AFTER_MAX_MS) * (0.75 + Math.random() / 2));
    }
  }
}

/** @param {string} method @param {string} path @param {CallOptions} options @param {string | null} token */
async function callOnce(method, path, { body, key }, token) {
  /** @type {Record<string, string>} */
  const headers = { accept: "application/json, application/problem+json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key) headers["idempotency-key"] = key;
  if (token) headers.authorization = `Bearer ${token}`;
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), TIMEOUT_MS);
  const asked = Date.now();
  let response;
  let text;
  try {
    response = await fetch(path, { method, headers, signal: control.signal, body: body === undefined ? undefined : JSON.stringify(body), credentials: "omit" });
    text = await response.text();
  } catch {
    throw new Problem("network", 0);
  } finally {
    clearTimeout(timer);
  }
  heardTime(response.headers.get("date"), asked);
  const answer = parse(text);
  if (response.ok) return answer ?? {};
  throw problemFrom(response, answer ?? {});
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {Response} response @param {any} members */
function problemFrom(response, members) {
  const kind = String(members.type ?? "").split("/").pop() || `status-${response.status}`;
  const seconds = Number(response.headers.get("retry-after"));
  if (members.retry_after_ms === undefined && seconds > 0) members.retry_after_ms = seconds * 1000;
  return new Problem(kind, response.status, members);
}

/**
 * All pages of a list call whose answer holds `name` and `next_cursor`.
 * @param {string} path @param {string} name @param {CallOptions} [options] @returns {Promise<any[]>}
 */
export async function listAll(path, name, options) {
  const found = [];
  let cursor = null;
  do {
    const page = await call("GET", cursor === null ? path : `${path}${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}`, options);
    found.push(...page[name]);
    cursor = page.next_cursor ?? null;
  } while (cursor !== null && found.length < 5_000);
  return found;
}

/** A path with every part encoded: path`/v1/orders/${id}`. @param {TemplateStringsArray} parts @param {string[]} values */
export function path(parts, ...values) {
  return parts.reduce((text, part, index) => text + encodeURIComponent(values[index - 1]) + part);
}
