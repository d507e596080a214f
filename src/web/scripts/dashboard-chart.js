// One chart: a line over time, the compared one dashed, as SVG of our own. A pure function of its data and width; points
// are read by pointer or by arrow keys, and all of them stand in a table for who prefers that.

import { el, render } from "./dom.js";
import { clock, day } from "./format.js";
import { t } from "./language.js";
import { moment } from "./dashboard-format.js";
import { complete, startOf } from "./dashboard-series.js";

/** Distances in units of the page's type, so that a chart on a wall grows with its words. */
const FOOT = 1.5;
const HEAD = 0.6;
const RIGHT = 0.7;
const HEIGHT = 12.5;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY];
const SECOND_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

/**
 * @typedef {{ width: number, index: number | null, drawing: () => Child[] }} Kept
 * @typedef {(amount: number) => string} Write
 * @typedef {(of: number) => number} Place
 * @typedef {{ id: string, title: string, series: Hq.Series, value: Write, axis: Write }} Curve
 * @typedef {(number | null)[]} Points
 */

/** Width and pointed index of each chart, by its id. @type {Map<string, Kept>} */
const charts = new Map();

/** @param {string} id */
function remembered(id) {
  const kept = charts.get(id) ?? { width: 0, index: null, drawing: () => [] };
  charts.set(id, kept);
  return kept;
}

const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const id = target.getAttribute("data-chart") ?? "";
    const chart = charts.get(id);
    const width = Math.round(contentRect.width);
    if (!chart || width === 0 || chart.width === width) continue;
    chart.width = width;
    redraw(id);
  }
});
const observed = new WeakSet();

/** Begins to watch the charts on the page; called after drawing. */
export function watchCharts() {
  for (const node of document.querySelectorAll("[data-chart]")) {
    if (observed.has(node)) continue;
    observed.add(node);
    sizes.observe(node);
  }
}

/** @param {string} id */
function redraw(id) {
  const node = document.querySelector(`[data-chart="${id}"]`);
  if (node) render(node, remembered(id).drawing());
}

/** A step of 1, 2 or 5 times a power of ten, so that about `lines` fit below `most`. @param {number} most @param {number} lines @param {string} unit */
function stepFor(most, lines, unit) {
  const least = Math.max(most / lines, unit === "minor_units" ? 100 : 1);
  if (unit === "seconds") return SECOND_STEPS.find((step) => step >= least) ?? Math.ceil(least / 3600) * 3600;
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? least;
}

/** @param {number} from @param {number} to @param {number} room */
function timeTicks(from, to, room) {
  const step = TIME_STEPS.find((one) => (to - from) / one <= room) ?? 2 * DAY;
  const found = [];
  const zone = new Date(from).getTimezoneOffset() * MINUTE;
  for (let time = Math.ceil((from - zone) / step) * step + zone; time <= to; time += step) found.push(time);
  return { step, found };
}

/** A path through the points, broken where there is none. @param {Points} points @param {Place} x @param {Place} y @param {number} upTo */
function line(points, x, y, upTo) {
  let text = "";
  let pen = "M";
  for (let index = 0; index < upTo; index += 1) {
    const value = points[index];
    if (value === null || value === undefined) {
      pen = "M";
      continue;
    }
    text += `${pen}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    if (pen === "M") text += "h0.01"; // a lone point is seen too
    pen = "L";
  }
  return text;
}

/** @param {Curve} curve @returns {HTMLElement} */
export function chart({ id, title, series, value, axis }) {
  const kept = remembered(id);
  kept.drawing = () => drawing({ id, title, series, value, axis, kept });
  return el("div", { class: "chart", "data-chart": id }, kept.drawing());
}

/** @param {number | null | undefined} number @returns {number is number} */
const known = (number) => number !== null && number !== undefined;
/** @param {Hq.Series} series */
const last = (series) => Math.max(0, Math.min(series.points.length - 1, complete(series) - 1));

/** @param {Curve & { kept: Kept }} curve @returns {Child[]} */
function drawing({ id, title, series, value, axis, kept }) {
  const unit = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const [height, top, bottom, right] = [HEIGHT * unit, HEAD * unit, (HEIGHT - FOOT) * unit, RIGHT * unit];
  const width = kept.width || 600;
  const upTo = complete(series);
  const index = Math.min(kept.index ?? last(series), series.points.length - 1);
  const values = [...series.points, ...(series.compare?.points ?? [])].filter(known);
  const step = stepFor(Math.max(1, ...values), 4, series.unit);
  const most = Math.max(1, Math.ceil(Math.max(1, ...values) / step)) * step;
  const marks = Array.from({ length: Math.round(most / step) + 1 }, (_, at) => at * step);
  const left = (0.8 + Math.max(...marks.map((mark) => axis(mark).length)) * 0.48) * unit;
  const count = Math.max(1, series.points.length - 1);
  const x = (/** @type {number} */ at) => left + (at / count) * (width - left - right);
  const y = (/** @type {number} */ number) => top + (1 - number / most) * (bottom - top);
  const from = startOf(series, 0);
  const to = startOf(series, series.points.length - 1);
  const ticks = timeTicks(from, to, Math.max(2, Math.floor((width - left) / (4.6 * unit))));
  const at = (/** @type {number} */ time) => x((time - from) / (series.step_seconds * 1000));
  const running = series.points[upTo];
  const area = line(series.points.slice(0, upTo).map((number) => number ?? 0), x, y, upTo);
  const dot = (/** @type {number | null | undefined} */ number, /** @type {string} */ kind) => known(number) && el("circle", { class: `chart-dot ${kind}`, cx: x(index).toFixed(1), cy: y(number).toFixed(1), r: 0.25 * unit });
  const point = (/** @type {any} */ event) => pointed(id, event, { left, right, width }, series);

  return [
    readout(series, index, value),
    el("svg", {
      class: "chart-lines", width, height, viewBox: `0 0 ${width} ${height}`, tabindex: "0", role: "slider", "aria-label": t("chart.steps", { title }),
      "aria-valuemin": 0, "aria-valuemax": series.points.length - 1, "aria-valuenow": index, "aria-valuetext": spoken(series, index, value),
      onpointermove: point, onpointerdown: point, onpointerleave: () => show(id, null), onkeydown: (/** @type {KeyboardEvent} */ event) => keyed(id, event, series, index),
      onblur: () => show(id, null),
    },
      marks.map((mark) => el("g", {},
        el("line", { class: mark === 0 ? "chart-ground" : "chart-grid", x1: left, x2: width - right, y1: y(mark), y2: y(mark) }),
        el("text", { class: "chart-mark", x: left - 0.5 * unit, y: y(mark) + 0.26 * unit, "text-anchor": "end" }, axis(mark)))),
      ticks.found.map((time) => el("text", { class: "chart-mark", x: at(time).toFixed(1), y: height - 0.3 * unit, "text-anchor": at(time) > width - 2 * unit ? "end" : at(time) < left + unit ? "start" : "middle" }, ticks.step >= DAY ? day(time) : clock(time))),
      series.compare ? el("path", { class: "chart-before", d: line(series.compare.points, x, y, series.compare.points.length) }) : null,
      upTo > 1 && series.metric !== "wait" && el("path", { class: "chart-area", d: `${area}L${x(upTo - 1).toFixed(1)} ${y(0).toFixed(1)}L${x(0).toFixed(1)} ${y(0).toFixed(1)}Z` }),
      el("path", { class: "chart-now", d: line(series.points, x, y, upTo) }),
      known(running) && el("circle", { class: "chart-running", cx: x(upTo).toFixed(1), cy: y(running).toFixed(1), r: 0.22 * unit }),
      el("line", { class: kept.index === null ? "chart-rule resting" : "chart-rule", x1: x(index).toFixed(1), x2: x(index).toFixed(1), y1: top, y2: bottom }),
      dot(series.compare?.points[index], "before"),
      index < upTo && dot(series.points[index], "now")),
  ];
}

/** @param {Hq.Series} series @param {number} index */
const whenOf = (series, index) => (series.window === "1h" ? clock(startOf(series, index)) : moment(startOf(series, index)));
/** @param {Write} value @param {number | null | undefined} number */
const shown = (value, number) => (known(number) ? value(number) : "–");

/** The figures of one point, in a line that is always there: nothing jumps and nothing is covered. @param {Hq.Series} series @param {number} index @param {Write} value */
function readout(series, index, value) {
  const running = index >= complete(series);
  return el("p", { class: "chart-readout numbers", "aria-hidden": "true" },
    el("span", { class: "muted" }, whenOf(series, index), running ? ` ${t("chart.running")}` : ""),
    el("span", { class: "key now" }, el("strong", {}, shown(value, series.points[index]))),
    series.compare ? el("span", { class: "key before" }, `${t(`before.${series.compare.kind}`)} ${shown(value, series.compare.points[index])}`) : null);
}

/** @param {Hq.Series} series @param {number} index @param {Write} value */
function spoken(series, index, value) {
  const before = series.compare ? `, ${t(`before.${series.compare.kind}`)} ${shown(value, series.compare.points[index])}` : "";
  return `${whenOf(series, index)}: ${shown(value, series.points[index])}${before}`;
}

/** @param {string} id @param {number | null} index */
function show(id, index) {
  const chart = remembered(id);
  if (chart.index === index) return;
  chart.index = index;
  redraw(id);
}

/** @param {string} id @param {any} event @param {{ left: number, right: number, width: number }} room @param {Hq.Series} series */
function pointed(id, event, { left, right, width }, series) {
  const box = event.currentTarget.getBoundingClientRect();
  const part = ((event.clientX - box.left) * (width / box.width) - left) / (width - left - right);
  show(id, Math.max(0, Math.min(series.points.length - 1, Math.round(part * (series.points.length - 1)))));
}

/** @param {string} id @param {KeyboardEvent} event @param {Hq.Series} series @param {number} index */
function keyed(id, event, series, index) {
  const leap = Math.max(2, Math.round(series.points.length / 12));
  /** @type {Record<string, number>} */
  const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -leap, PageUp: leap, Home: -Infinity, End: Infinity };
  if (!(event.key in moves)) return;
  event.preventDefault();
  show(id, Math.max(0, Math.min(series.points.length - 1, index + moves[event.key])));
}

/** The same figures as a table, the newest first. @param {{ title: string, series: Hq.Series, value: Write }} curve */
export function chartTable({ title, series, value }) {
  const upTo = Math.min(series.points.length, complete(series) + 1);
  const indexes = Array.from({ length: upTo }, (_, index) => upTo - 1 - index);
  return el("div", { class: "chart-table", tabindex: "0", role: "group", "aria-label": title },
    el("table", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("chart.time")), el("th", { scope: "col", class: "number" }, title), series.compare ? el("th", { scope: "col", class: "number" }, t(`before.${series.compare.kind}`)) : null)),
      el("tbody", {}, indexes.map((index) => el("tr", { "data-key": startOf(series, index) },
        el("th", { scope: "row", class: "numbers" }, whenOf(series, index), index >= complete(series) ? ` ${t("chart.running")}` : ""),
        el("td", { class: "number" }, shown(value, series.points[index])),
        series.compare ? el("td", { class: "number" }, shown(value, series.compare.points[index])) : null)))));
}

/** Forgets what was pointed at, when the view changes. */
export function restCharts() {
  for (const chart of charts.values()) chart.index = null;
}
