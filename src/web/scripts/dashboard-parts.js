// Small parts that several views of the dashboard use: panels, figures, bars, states that don't depend on colour alone.

import { el } from "./dom.js";
import { hasWords, t } from "./language.js";
import { app } from "./dashboard-app.js";
import { count, span } from "./dashboard-format.js";

/** The levels from worst to best. */
const LEVELS = ["red", "yellow", "unknown", "green"];

/** How bad, for sorting: the worst first. */
export const badness = (level) => (LEVELS.includes(level) ? LEVELS.indexOf(level) : 1);

const SHAPES = {
  green: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM4.6 8.2 7 10.6l4.4-4.8",
  yellow: "M8 1.2 15.2 14.4H.8zM8 5.8v4M8 11.9v.6",
  red: "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1zM5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2",
  unknown: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM4.8 8h6.4",
};

/** A shape for each level, so that nobody needs to see its colour. */
export const sign = (level) => el("svg", { class: `sign ${level}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, el("path", { d: SHAPES[level] ?? SHAPES.yellow }));

/** A level in shape, colour and words. */
export const levelTag = (level) => el("span", { class: `level ${level}` }, sign(level), t(`level.${SHAPES[level] ? level : "yellow"}`));

const slug = (text) => String(text).replace(/([a-z])([A-Z])/g, "$1-$2").toLowerCase().replace(/[^a-z0-9]+/g, "-");

/** A machine's word in the reader's language, where there is one; as it came otherwise. */
export function worded(family, text) {
  const key = `${family}.${slug(text)}`;
  return hasWords(key) ? t(key) : String(text);
}

/** What the centre says in sentences of its own, and the words for it. @type {[RegExp, string][]} */
const SENTENCES = [
  [/^the copy's log failed/, "cause.log-failed"],
  [/^applying has ended/, "cause.applying-ended"],
  [/^applying waits/, "cause.applying-waits"],
  [/^applying is .* behind$/, "cause.applying-behind"],
  [/^the copy can't be used/, "cause.copy-broken"],
  [/^[\d.]+ s behind$/, "cause.behind"],
];

/** Why a region is not green, in words. @param {import("./dashboard-app.js").Region} region */
export function whyOf(region) {
  if (region.fenced) return t(region.connected ? "region.other-fenced" : "region.fenced-why", { reason: worded("fence", region.fenced.reason) });
  const [, key] = SENTENCES.find(([pattern]) => pattern.test(region.reason ?? "")) ?? [];
  if (key) return t(key, { span: span(region.lag.seconds) });
  if (region.needs_seed) return t("region.needs-seed");
  if (!region.connected) {
    const heard = region.last_heard_at && app.at ? Math.max(0, (app.at - Date.parse(region.last_heard_at)) / 1000) : null;
    return heard === null ? t("region.never-heard") : t("region.away", { span: span(heard) });
  }
  return region.reason ?? "";
}

/** A region's level: what the centre says, and never green while it is fenced. */
export const levelOf = (region) => (region.fenced ? "red" : region.health);

/** The country's level with its reason. */
export function overall() {
  if (app.regions.length === 0) return { level: "unknown", why: t("overall.none") };
  const ill = app.regions.filter((one) => levelOf(one) !== "green").sort((a, b) => badness(levelOf(a)) - badness(levelOf(b)));
  if (ill.length === 0) return { level: "green", why: t("overall.all", { count: count(app.regions.length) }) };
  const why = `${ill[0].region}: ${whyOf(ill[0]) || t(`level.${levelOf(ill[0])}`)}`;
  return { level: levelOf(ill[0]), why: ill.length === 1 ? why : t("overall.more", { why, count: count(ill.length - 1) }) };
}

/** A titled part of a view; `aside` stands beside its title. */
export function panel(id, title, aside, ...content) {
  return el("section", { class: `card panel panel-${id}`, "aria-labelledby": `${id}-title`, "data-key": `panel-${id}`, id: `panel-${id}` },
    el("div", { class: "panel-head" }, el("h2", { id: `${id}-title`, tabindex: "-1" }, title), aside ? el("div", { class: "panel-aside" }, aside) : null),
    content);
}

/** The way from the whole country down to what is shown; its last step is the view's heading. */
export function crumbs(steps, name, ...more) {
  const slash = () => el("span", { class: "muted", "aria-hidden": "true" }, "/");
  return el("nav", { class: "crumbs", "aria-label": t("crumbs"), "data-key": "crumbs" },
    [[t("page.dashboard"), { view: "overview" }], ...steps].map(([text, place]) => [el("a", { href: app.link(place) }, text), slash()]),
    el("h1", { class: "numbers", tabindex: "-1" }, name), more);
}

/** One big figure with what explains it. `raw` is the API's own number. */
export const figure = (name, label, text, raw, note, kind = "") =>
  el("div", { class: `card figure ${kind}`, "data-key": name, "data-testid": `figure-${name}` },
    el("dt", { class: "figure-label" }, label),
    el("dd", { class: "figure-value numbers" }, el("data", { value: raw === undefined || raw === null ? "" : typeof raw === "object" ? JSON.stringify(raw) : raw }, text)),
    el("dd", { class: "figure-note numbers muted" }, note));

/** A bar that is filled in part; the figures beside it say the same. */
export function bar(part, kind = "") {
  const width = `${Math.max(0, Math.min(100, 100 * (part || 0))).toFixed(2)}%`;
  return el("svg", { class: `bar ${kind}`, "aria-hidden": "true", focusable: "false" },
    el("rect", { class: "bar-ground", width: "100%", height: "100%", rx: 3 }),
    part > 0 ? el("rect", { class: "bar-part", width, height: "100%", rx: 3 }) : null);
}

/** One of several values of a parameter of the address, under a word that is seen (or only heard: `quiet`). */
export const picker = (name, values, label, title, { chosen = app.place[name], quiet = false } = {}) =>
  el("div", { class: "choose" },
    el("span", { class: quiet ? "hidden-visually" : "muted small", id: `pick-${name}` }, title),
    el("div", { class: "picker", role: "group", "aria-labelledby": `pick-${name}` },
      values.map((value) => el("button", { type: "button", "data-key": value || "any", "aria-pressed": String(value === chosen), onclick: () => app.go({ [name]: value }) }, label(value)))));

/** Rows of a list, the rest behind a disclosure. */
export function some(rows, least, more) {
  if (rows.length <= least + 1) return el("ul", { class: "rows" }, rows);
  return [
    el("ul", { class: "rows" }, rows.slice(0, least)),
    el("details", { class: "rest" }, el("summary", {}, more(rows.length - least)), el("ul", { class: "rows" }, rows.slice(least))),
  ];
}

/** Cells that become labelled lines on a phone; roles are said outright because layout must not take them away. */
export const cell = (label, content, kind = "") => el("td", { role: "cell", class: kind, "data-label": label }, content);
export const head = (text, kind = "", sort) => el("th", { role: "columnheader", scope: "col", class: kind, "aria-sort": sort }, text);
export const table = (label, columns, rows) =>
  el("table", { role: "table", class: "grid", "aria-label": label },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, columns)),
    el("tbody", { role: "rowgroup" }, rows));
