// Series of the centre as charts want them: which points are complete, the running minute put in live, sums to compare.

import { path } from "./api.js";
import { app } from "./dashboard-app.js";
import { comparison } from "./dashboard-url.js";

/** How often a window is asked for again; the running minute comes with every tick. @type {Record<string, number>} */
const EVERY_MS = { "1h": 15_000, "1d": 30_000, "7d": 120_000 };

/** @param {string} metric @param {Hq.Place} place */
export function seriesPath(metric, place) {
  const compare = comparison(place);
  const region = place.region && place.view !== "orders" ? path`&region=${place.region}` : "";
  return path`/v1/series?metric=${metric}&window=${place.window}` + (compare === "none" ? "" : path`&compare=${compare}`) + region;
}

/** @param {string} metric @param {Hq.Place} place @returns {Hq.Wanted} */
export const wantedSeries = (metric, place) => ({ path: seriesPath(metric, place), every: EVERY_MS[place.window] });

/** The start of a point. @param {Hq.Series} series @param {number} index */
export const startOf = (series, index) => Date.parse(series.from) + index * series.step_seconds * 1000;

/** How many points are complete; the one after them is still running, later ones have not begun. @param {Hq.Series} series */
export function complete(series) {
  const now = app.at ?? Date.now();
  const steps = Math.floor((now - Date.parse(series.from)) / (series.step_seconds * 1000));
  return Math.max(0, Math.min(series.points.length, steps));
}

/**
 * The series with the running minute put in, moved on where that minute is newer than its end.
 * @param {Hq.Series} series @param {Hq.Minute | null} minute @returns {Hq.Series}
 */
export function withMinute(series, minute) {
  const value = minute?.[/** @type {"orders"} */ (series.metric)];
  if (!minute || typeof value !== "number" || series.step_seconds !== 60) return series;
  const step = 60_000;
  const index = Math.round((Date.parse(minute.at) - Date.parse(series.from)) / step);
  const length = series.points.length;
  if (index < 0 || index > length + 5) return series; // too far apart: the next answer brings it
  const moved = Math.max(0, index - length + 1);
  const shift = (/** @type {(number | null)[]} */ points, /** @type {number | null} */ fill) => [...points.slice(moved), ...Array.from({ length: moved }, () => fill)];
  const points = shift(series.points, series.metric === "wait" ? null : 0);
  points[index - moved] = value;
  const later = (/** @type {string} */ time) => new Date(Date.parse(time) + moved * step).toISOString();
  const compare = series.compare && { ...series.compare, from: later(series.compare.from), to: later(series.compare.to), points: shift(series.compare.points, null) };
  return { ...series, from: later(series.from), to: later(series.to), points, ...(compare ? { compare } : {}) };
}

/** @param {(number | null)[]} points */
const total = (points) => points.reduce((/** @type {number} */ sum, value) => sum + (value ?? 0), 0);
/** @param {(number | null)[]} points */
const mean = (points) => {
  const known = points.filter((value) => value !== null && value !== undefined);
  return known.length === 0 ? null : total(known) / known.length;
};

/**
 * The window in one figure: `all` its sum (the mean of waits) with the running step; `now` and `before` the same over the
 * complete steps, here and in the compared window, so that they compare.
 * @param {Hq.Series} series
 */
export function inOne(series) {
  const upTo = complete(series);
  const gather = series.metric === "wait" ? mean : total;
  return {
    all: gather(series.points),
    now: gather(series.points.slice(0, upTo)),
    before: series.compare ? gather(series.compare.points.slice(0, upTo)) : null,
  };
}
