// The head of the dashboard: how the country is, and how old the figures are. Read out only when one of them changes.

import { announce, el } from "./dom.js";
import { clock } from "./format.js";
import { explain, t } from "./language.js";
import { title } from "./shell.js";
import { app } from "./dashboard-app.js";
import { moment, span } from "./dashboard-format.js";
import { overall, sign } from "./dashboard-parts.js";

/** A tick may come this late before anybody is told. */
const LATE_MS = 7_000;
const DAY_MS = 24 * 3_600_000;

/** When the figures were so: by the clock, with the day where that was another one. @param {number} at */
const asOf = (at) => t("age.as-of", { time: Math.abs(Date.now() - at) < DAY_MS / 2 ? clock(at, true) : moment(at, true) });

/** How old the figures are, as a state and a sentence. */
function age() {
  const { state, lastHeard } = app.stream;
  const old = lastHeard === null ? null : Math.max(0, Date.now() - lastHeard);
  if (old === null || app.at === null) {
    if (state === "lost" || app.unreachable) return { state: "lost", text: t("age.never"), small: t("age.never-why") };
    return { state: "connecting", text: t("age.connecting"), small: "" };
  }
  const text = t("age.late", { span: span(old / 1000) });
  if (state === "live") return old < LATE_MS ? { state: "live", text: t("age.live"), small: asOf(app.at) } : { state: "late", text, small: asOf(app.at) };
  // What was kept from before is shown until the centre answers.
  if (state === "connecting") return { state, text, small: `${asOf(app.at)} · ${t("age.connecting")}` };
  return { state: "lost", text: t("age.lost", { span: span(old / 1000) }), small: `${asOf(app.at)} · ${t("age.lost-why")}` };
}

/** Whether what is shown may be out of date. */
export const stale = () => app.summary !== null && !["live", "late"].includes(age().state);

/** What stands where an answer has not come yet: why, if it can't come. @param {import("./dashboard-feed.js").Answer} [answer] */
export function waiting(answer) {
  if (answer?.problem) return explain(answer.problem);
  return t(age().state === "lost" ? "age.not-kept" : "loading");
}

/** State of the country and age of the figures. */
export function headState() {
  if (app.signIn || !app.stream) return null;
  const now = app.summary ? overall() : null;
  const line = age();
  return el("div", { class: "head-state" },
    now && el("p", { class: `overall ${now.level}`, "data-level": now.level, "data-testid": "overall" }, sign(now.level), el("strong", {}, t(`overall.${now.level}`)), el("span", { class: "overall-why" }, stale() ? t("overall.was", { why: now.why }) : now.why)),
    el("p", { class: "age numbers", "data-state": line.state, "data-testid": "age" }, el("strong", {}, line.text), el("span", { class: "small" }, line.small)));
}

/** @type {{ level: string, cut: boolean } | null} */
let told = null;

/** Says it when the country's level or the line changes, and keeps the tab's title. */
export function tell() {
  if (!app.summary) return title(t("page.dashboard"));
  const { level, why } = overall();
  const cut = age().state === "lost";
  const before = told;
  told = { level, cut };
  title(`${cut ? t("age.cut") : t(`overall.${level}`)} · ${t("page.dashboard")}`);
  if (before === null) return undefined;
  if (before.cut !== cut) announce(t(cut ? "age.was-cut" : "age.is-back"));
  else if (before.level !== level) announce(`${t(`overall.${level}`)}: ${why}`);
  return undefined;
}
