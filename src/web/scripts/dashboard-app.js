// What the views of the dashboard share: the figures as they came last, and the few things all views do. dashboard.js
// fills it. Nothing here is computed: figures are the centre's.

import { hrefOf } from "./dashboard-url.js";

/**
 * `draw()` shows the present state; `go(changes)` changes the address; `link(changes)` is the address itself. `minute` is the running
 * one, of the whole country; `at` the centre's time of the last message; `unreachable`: not even a token could be asked for. A view
 * is only ever drawn with a summary.
 * @typedef {object} App
 * @property {import("./session.js").Session} session
 * @property {import("./dashboard-stream.js").Stream} stream
 * @property {import("./dashboard-feed.js").Feed} feed
 * @property {import("./dashboard-burn.js").Burn} burn
 * @property {Hq.Place} place
 * @property {Hq.Summary | null} summary
 * @property {Hq.Region[]} regions
 * @property {Hq.Minute | null} minute
 * @property {number | null} at
 * @property {boolean} signIn
 * @property {boolean} unreachable
 * @property {() => void} draw
 * @property {(changes: Hq.Changes, how?: { replace: boolean }) => void} go
 * @property {(changes: Hq.Changes) => string} link
 */

export const app = /** @type {App} */ (/** @type {unknown} */ ({
  summary: null,
  regions: [],
  minute: null,
  at: null,
  signIn: false,
  unreachable: false,
  link: (/** @type {Hq.Changes} */ changes) => hrefOf(app.place, changes),
}));

/** The region of that name, if the centre knows it. @param {string} name */
export const regionOf = (name) => app.regions.find((one) => one.region === name);

/** The country's figures, where a view is drawn. @returns {Hq.Summary} */
export function summary() {
  if (!app.summary) throw new Error("a view without figures");
  return app.summary;
}
