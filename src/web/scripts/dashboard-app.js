// What the views of the dashboard share: the figures as they came last, and the few things all views do. dashboard.js
// fills it. Nothing here is computed: figures are the centre's.

import { hrefOf } from "./dashboard-url.js";

/**
 * @typedef {{placed: number, paid: number, accepted: number, ready: number, collected: number, cancelled: number,
 *   rejected: number, revenue: number | Record<string, number>, wait_seconds?: number}} Today
 * @typedef {{region: string, epoch: number, connected: boolean, health: string, reason?: string, last_sequence: number,
 *   applied_sequence: number, lag: {entries: number, bytes: number, seconds: number}, last_heard_at?: string,
 *   fenced?: {reason: string, detail?: string, at?: string}, needs_seed?: boolean, gaps?: {first_sequence: number, last_sequence: number, from: string, to: string, at: string}[], stores: number, open_orders: number,
 *   today: Today, currency?: string}} Region
 * @typedef {{at: string, regions: {total: number, connected: number, fenced: number},
 *   stores: {total: number, open: number, paused: number},
 *   open: {awaiting_payment: number, paid: number, accepted: number, ready: number}, today: Today, currency?: string,
 *   stock_outs: {region: string, store: string, store_name: string, sku: string, name: Name}[], stock_outs_total: number,
 *   campaigns: Campaign[]}} Summary
 * @typedef {{zh: string, en: string}} Name
 * @typedef {{region: string, id: string, name: Name, sku: string, quota: number, claimed: number, remaining: number,
 *   starts_at: string, ends_at: string}} Campaign
 */

/** `draw()` shows the present state; `go(changes)` changes the address; `link(changes)` is the address itself. */
export const app = {
  session: null,
  stream: null,
  feed: null,
  /** @type {import("./dashboard-url.js").Place} */
  place: null,
  /** @type {Summary | null} */
  summary: null,
  /** @type {Region[]} */
  regions: [],
  /** The running minute, of the whole country. */
  minute: null,
  /** The centre's time of the last message, in milliseconds. */
  at: null,
  burn: null,
  signIn: false,
  /** Not even a token could be asked for. */
  unreachable: false,
  draw: () => {},
  /** @type {(changes: object, how?: {replace: boolean}) => void} */
  go: () => {},
  link: (changes) => hrefOf(app.place, changes),
};

/** The region of that name, if the centre knows it. */
export const regionOf = (name) => app.regions.find((one) => one.region === name);
