// Small parts that several views of the dashboard use: panels, figures, bars, states that don't depend on colour alone.

import { el } from "./dom.js";
import { hasWords, t } from "./language.js";
import { app } from "./dashboard-app.js";
import { count, span } from "./dashboard-format.js";

/** The levels from worst to best. */
const LEVELS = ["red", "yellow", "unknown", "green"];

/** How bad, for sorting: the worst first. @param {string} level */
export const badness = (level) => (LEVELS.includes(level) ? LEVELS.indexOf(level) : 1);

/** @type {Record<string, string>} */
const SHAPES = {
  green: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM4.6 8.2 7 10.6l4.4-4.8",
  yellow: "M8 1.2 15.2 14.4H.8zM8 5.8v4M8 11.9v.6",
  red: "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1zM5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2",
  unknown: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zM4.8 8h6.4",
};

/** A shape for each level, so that nobody needs to see its colour. @param {string} level */
export const sign = (level) => el("svg", { class: `sign ${level}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, el("path", { d: SHAPES[level] ?? SHAPES.yellow }));

/** A level in shape, colour and words. @param {string} level */
export const levelTag = (level) => el("span", { class: `level ${level}` }, sign(level), t(`level.${SHAPES[level] ? level : "yellow"}`));

/** @param {string} text */
const slug = (text) => String(text).replace(/([a-z])([A-Z])/g, "$1-$2").toLowerCase().replace(/[^a-z0-9]+/g, "-");

/** A machine's word in the reader's language, where there is one; as it came otherwise. @param {string} family @param {string} text */
export function worded(family, text) {
  const key = `${family}.${slug(text)}`;
  return hasWords(key) ? t(key) : String(text);
}

/** Seconds since the region's node was heard, by the centre's clock. @param {Hq.Region} region */
const silence = ({ last_heard_at: heard }) => (heard && app.at ? Math.max(0, (app.at - Date.parse(heard)) / 1000) : null);

/** Why a region is not green, by the centre's code; in its own sentence where this page is older than the code. @param {Hq.Region} region */
export function whyOf(region) {
  if (region.fenced) return t(region.connected ? "region.other-fenced" : "region.fenced-why", { reason: worded("fence", region.fenced.reason) });
  if (!region.cause) return "";
  const key = `cause.${slug(region.cause.code)}`;
  const seconds = region.cause.code === "line_down" ? silence(region) : region.cause.seconds;
  return hasWords(key) ? t(key, { span: span(seconds) }) : (region.reason ?? "");
}

/** A region's level: what the centre says, and never green while it is fenced. @param {Hq.Region} region */
export const levelOf = (region) => (region.fenced ? "red" : region.health);

/** The country's level with its reason. */
export function overall() {
  if (app.regions.length === 0) return { level: "unknown", why: t("overall.none") };
  const ill = app.regions.filter((one) => levelOf(one) !== "green").sort((a, b) => badness(levelOf(a)) - badness(levelOf(b)));
  if (ill.length === 0) return { level: "green", why: t("overall.all", { count: count(app.regions.length) }) };
  const why = `${ill[0].region}: ${whyOf(ill[0]) || t(`level.${levelOf(ill[0])}`)}`;
  return { level: levelOf(ill[0]), why: ill.length === 1 ? why : t("overall.more", { why, count: count(ill.length - 1) }) };
}

/** A titled part of a view; `aside` stands beside its title. @param {string} id @param {string} title @param {Child} aside @param {Child[]} content */
export function panel(id, title, aside, ...content) {
  return el("section", { class: `card panel panel-${id}`, "aria-labelledby": `${id}-title`, "data-key": `panel-${id}`, id: `panel-${id}` },
    el("div", { class: "panel-head" }, el("h2", { id: `${id}-title`, tabindex: "-1" }, title), aside ? el("div", { class: "panel-aside" }, aside) : null),
    content);
}

/** The way from the whole country down to what is shown; its last step is the view's heading. @param {[string, Hq.Changes][]} steps @param {string} name @param {Child[]} more */
export function crumbs(steps, name, ...more) {
  const slash = () => el("span", { class: "muted", "aria-hidden": "true" }, "/");
  return el("nav", { class: "crumbs", "aria-label": t("crumbs"), "data-key": "crumbs" },
    /** @type {[string, Hq.Changes][]} */ ([[t("page.dashboard"), { view: "overview" }], ...steps]).map(([text, place]) => [el("a", { href: app.link(place) }, text), slash()]),
    el("h1", { class: "numbers", tabindex: "-1" }, name), more);
}

/** One big figure with what explains it. `raw` is the API's own number. @param {string} name @param {string} label @param {string} text @param {Hq.Revenue | null | undefined} raw @param {Child} note */
export const figure = (name, label, text, raw, note, kind = "") =>
  el("div", { class: `card figure ${kind}`, "data-key": name, "data-testid": `figure-${name}` },
    el("dt", { class: "figure-label" }, label),
    el("dd", { class: "figure-value numbers" }, el("data", { value: raw === undefined || raw === null ? "" : typeof raw === "object" ? JSON.stringify(raw) : raw }, text)),
    el("dd", { class: "figure-note numbers muted" }, note));

/** A bar that is filled in part; the figures beside it say the same. @param {number} part */
export function bar(part, kind = "") {
  const width = `${Math.max(0, Math.min(100, 100 * (part || 0))).toFixed(2)}%`;
  return el("svg", { class: `bar ${kind}`, "aria-hidden": "true", focusable: "false" },
    el("rect", { class: "bar-ground", width: "100%", height: "100%", rx: 3 }),
    part > 0 ? el("rect", { class: "bar-part", width, height: "100%", rx: 3 }) : null);
}

/**
 * One of several values of a parameter of the address, under a word that is seen (or only heard: `quiet`).
 * @param {"window" | "compare" | "metric" | "by"} name @param {string[]} values @param {(value: string) => string} label @param {string} title
 */
export const picker = (name, values, label, title, { chosen = app.place[name], quiet = false } = {}) =>
  el("div", { class: "choose" },
    el("span", { class: quiet ? "hidden-visually" : "muted small", id: `pick-${name}` }, title),
    el("div", { class: "picker", role: "group", "aria-labelledby": `pick-${name}` },
      values.map((value) => el("button", { type: "button", "data-key": value || "any", "aria-pressed": String(value === chosen), onclick: () => app.go({ [name]: value }) }, label(value)))));

/** Rows of a list, the rest behind a disclosure. @param {Child[]} rows @param {number} least @param {(rest: number) => string} more */
export function some(rows, least, more) {
  if (rows.length <= least + 1) return el("ul", { class: "rows" }, rows);
  return [
    el("ul", { class: "rows" }, rows.slice(0, least)),
    el("details", { class: "rest" }, el("summary", {}, more(rows.length - least)), el("ul", { class: "rows" }, rows.slice(least))),
  ];
}

/** Cells that become labelled lines on a phone; roles are said outright because layout must not take them away. @param {string} label @param {Child} content */
export const cell = (label, content, kind = "") => el("td", { role: "cell", class: kind, "data-label": label }, content);
/** @param {string} text @param {string} [sort] */
export const head = (text, kind = "", sort = undefined) => el("th", { role: "columnheader", scope: "col", class: kind, "aria-sort": sort }, text);
/** @param {string} label @param {Child} columns @param {Child} rows */
export const table = (label, columns, rows) =>
  el("table", { role: "table", class: "grid", "aria-label": label },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, columns)),
    el("tbody", { role: "rowgroup" }, rows));
