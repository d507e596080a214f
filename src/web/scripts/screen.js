// The pickup-call screen: codes being prepared and codes to collect, readable across a room. Nothing to touch.

import { call, path } from "./api.js";
import { announce, el, notice } from "./dom.js";
import { clock } from "./format.js";
import { explain, t } from "./language.js";
import { startDesk } from "./staff.js";

let board = { preparing: [], ready: [] };

async function start(desk) {
  const show = (now) => {
    const fresh = now.ready.filter((code) => !board.ready.includes(code));
    board = now;
    if (!desk.ready) return;
    desk.draw();
    if (fresh.length > 0) announce(t("screen.announce", { codes: fresh.join(", ") }));
  };
  const poll = async () => show(await call("GET", path`/v1/stores/${desk.store.id}/board`));
  await poll();
  desk.push.subscribe(`board/${desk.store.id}`, {
    snapshot: show,
    event: (_, now) => show(now),
    poll,
    problem: (problem) => notice(explain(problem), "bad"),
  });
  setInterval(desk.draw, 10_000); // the clock
  stayAwake();
}

// A screen on a wall must not go dark; where the browser can't promise that, its settings must.
async function stayAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    return;
  }
}
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && stayAwake());

const codes = (list) => el("ul", { class: "codes" }, list.map((code) => el("li", { "data-key": code }, code)));

await startDesk({
  page: "page.screen",
  start,
  extra: () => el("span", { class: "numbers screen-clock" }, clock(Date.now())),
  view: (desk) => el("div", { class: "board" },
    el("h1", { class: "hidden-visually" }, `${t("page.screen")} · ${desk.store.name}`),
    el("section", { class: "board-ready", "aria-labelledby": "ready-title" }, el("h2", { id: "ready-title" }, t("screen.ready")), board.ready.length === 0 ? el("p", { class: "muted" }, t("screen.none-ready")) : codes(board.ready)),
    el("section", { class: "board-preparing", "aria-labelledby": "preparing-title" }, el("h2", { id: "preparing-title" }, t("screen.preparing")), codes(board.preparing))),
});
