// The head of the dashboard: how the country is, and how old the figures are. Read out only when one of them changes.

import { announce, el } from "./dom.js";
import { clock } from "./format.js";
import { t } from "./language.js";
import { title } from "./shell.js";
import { app } from "./dashboard-app.js";
import { span } from "./dashboard-format.js";
import { overall, sign } from "./dashboard-parts.js";

/** A tick may come this late before anybody is told. */
const LATE_MS = 7_000;

/** How old the figures are, as a state and a sentence. */
function age() {
  const { state, lastHeard } = app.stream;
  const old = lastHeard === null ? null : Math.max(0, Date.now() - lastHeard);
  if (state === "live" && old !== null && old < LATE_MS) return { state: "live", text: t("age.live"), small: t("age.as-of", { time: clock(app.at, true) }) };
  if (state === "live" && old !== null) return { state: "late", text: t("age.late", { span: span(old / 1000) }), small: t("age.as-of", { time: clock(app.at, true) }) };
  if (old !== null) return { state: "lost", text: t("age.lost", { span: span(old / 1000) }), small: t("age.lost-why") };
  if (state === "lost" || app.unreachable) return { state: "lost", text: t("age.never"), small: t("age.never-why") };
  return { state: "connecting", text: t("age.connecting"), small: "" };
}

/** Whether what is shown may be out of date. */
export const stale = () => app.summary !== null && age().state !== "live" && age().state !== "late";

/** State of the country and age of the figures. */
export function headState() {
  if (app.signIn || !app.stream) return null;
  const now = app.summary ? overall() : null;
  const line = age();
  return el("div", { class: "head-state" },
    now && el("p", { class: `overall ${now.level}`, "data-level": now.level, "data-testid": "overall" }, sign(now.level), el("strong", {}, t(`overall.${now.level}`)), el("span", { class: "overall-why" }, stale() ? t("overall.was", { why: now.why }) : now.why)),
    el("p", { class: "age numbers", "data-state": line.state, "data-testid": "age" }, el("strong", {}, line.text), el("span", { class: "small" }, line.small)));
}

let told = null;

/** Says it when the country's level or the line changes, and keeps the tab's title. */
export function tell() {
  if (!app.summary) return title(t("page.dashboard"));
  const { level, why } = overall();
  const cut = stale();
  const before = told;
  told = { level, cut };
  title(`${cut ? t("age.cut") : t(`overall.${level}`)} · ${t("page.dashboard")}`);
  if (before === null) return undefined;
  if (before.cut !== cut) announce(t(cut ? "age.was-cut" : "age.is-back"));
  else if (before.level !== level) announce(`${t(`overall.${level}`)}: ${why}`);
  return undefined;
}
