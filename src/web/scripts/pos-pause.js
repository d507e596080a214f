// Taking orders or not: pausing with an end, and resuming. The node holds the truth; other tills learn it by looking again.

import { call, path } from "./api.js";
import { ask, el, notice, once } from "./dom.js";
import { clock } from "./format.js";
import { explain, t } from "./language.js";
import { now } from "./time.js";

const MINUTES = [15, 30, 60, 0];
const OVER_GRACE_MS = 500;
/** @type {Accepting | null} */
let state = null;
let timer = 0;

/** Asks the node whether and until when the store is paused. @param {import("./staff.js").Desk} desk */
export async function loadPause(desk) {
  try {
    took(desk, await call("GET", path`/v1/stores/${desk.store.id}/accepting`, { attempts: 1 }));
  } catch {
    // what is shown stays; it is asked again soon
  }
}

/** @param {import("./staff.js").Desk} desk @param {Accepting} answer */
function took(desk, answer) {
  state = answer;
  clearTimeout(timer);
  // A pause with an end is over by itself; the page says so when it is.
  if (answer.until) timer = setTimeout(() => loadPause(desk), Math.max(0, Date.parse(answer.until) - now()) + OVER_GRACE_MS);
  desk.draw();
}

const askMinutes = () =>
  ask(t("pause.title"), (close) =>
    el("form", { onsubmit: (/** @type {any} */ event) => { event.preventDefault(); close(Number(new FormData(event.target).get("minutes"))); } },
      el("h2", {}, t("pause.title")),
      el("fieldset", {}, el("legend", {}, t("pause.how-long")),
        MINUTES.map((value, index) => el("label", { class: "choice" }, el("input", { type: "radio", name: "minutes", value, checked: index === 0 }), value ? t("pause.minutes", { minutes: value }) : t("pause.open")))),
      el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => close(null) }, t("cancel")), el("button", { class: "primary", type: "submit" }, t("pos.pause")))));

const isPaused = () => state !== null && !state.accepting;

/** Pauses (after a question) or resumes. */
export const switchPause = once(async (/** @type {import("./staff.js").Desk} */ desk) => {
  /** @type {{ accepting: boolean, until?: string }} */
  const body = { accepting: isPaused() };
  if (!body.accepting) {
    const minutes = await askMinutes();
    if (minutes === null) return;
    if (minutes) body.until = new Date(now() + minutes * 60_000).toISOString();
  }
  try {
    took(desk, await call("PUT", path`/v1/stores/${desk.store.id}/accepting`, { body }));
  } catch (problem) {
    notice(explain(problem), "bad");
  }
});

/** What is so, and the button that changes it. @param {import("./staff.js").Desk} desk */
export function pauseView(desk) {
  const paused = isPaused();
  const text = paused ? (state?.until ? t("pos.paused-until", { time: clock(state.until) }) : t("pos.paused")) : desk.store.open ? t("pos.accepting") : t("pos.closed");
  return [
    el("span", { class: `tag push-right ${paused ? "warn" : desk.store.open ? "good" : ""}` }, text),
    el("button", { type: "button", class: paused ? "primary" : "", onclick: () => switchPause(desk) }, t(paused ? "pos.resume" : "pos.pause")),
  ];
}
