// What the country, a region and a store are shown with alike: the big figures of a day, the two curves against before, the funnel.

import { el } from "./dom.js";
import { t } from "./language.js";
import { app } from "./dashboard-app.js";
import { chart, chartTable } from "./dashboard-chart.js";
import { change, compact, compactSum, count, share, span, sum } from "./dashboard-format.js";
import { waiting } from "./dashboard-header.js";
import { bar, figure, panel, picker } from "./dashboard-parts.js";
import { inOne, seriesPath, wantedSeries, withMinute } from "./dashboard-series.js";
import { choices, comparison } from "./dashboard-url.js";

export const wantedCharts = () => [wantedSeries(app.place.metric, app.place), wantedSeries("revenue", app.place)];

/**
 * Big figures of one day: the country's, a region's or a store's. `open` is how many orders are under way, `running` the
 * present minute where it is known.
 * @param {{ today: Hq.Today, currency?: string, open: number, openNote: string, running?: Hq.Minute | null }} day
 */
export function figures({ today, currency, open, openNote, running }) {
  return el("dl", { class: "figures", "data-key": "figures" },
    figure("orders", t("figure.orders"), count(today.placed), today.placed, running ? t("figure.minute", { value: count(running.orders) }) : t("figure.paid", { value: count(today.paid) })),
    figure("revenue", t("figure.revenue"), sum(today.revenue, currency), today.revenue, running ? t("figure.minute", { value: sum(running.revenue, currency) }) : t("figure.paid", { value: count(today.paid) })),
    figure("open", t("figure.open"), count(open), open, openNote),
    figure("wait", t("figure.wait"), span(today.wait_seconds), today.wait_seconds, t("figure.wait-note")),
    figure("rejected", t("figure.rejected"), count(today.rejected), today.rejected, t("figure.rejected-note", { share: share(today.rejected, today.paid, 2), cancelled: count(today.cancelled) })));
}

/** @param {Hq.Open} open */
export const openNote = (open) => t("figure.open-note", { paid: count(open.paid), accepted: count(open.accepted), ready: count(open.ready) });
/** @param {Hq.Open} open */
export const openSum = (open) => open.awaiting_payment + open.paid + open.accepted + open.ready;

/** How each unit is written, on a point and on an axis. @type {Record<string, { value: (amount: number, currency?: string) => string, axis: (amount: number, currency?: string) => string }>} */
const WRITERS = {
  orders: { value: count, axis: compact },
  minor_units: { value: (amount, currency) => sum(amount, currency), axis: compactSum },
  seconds: { value: span, axis: (seconds) => (seconds < 60 ? t("span.seconds", { seconds }) : t("span.short", { minutes: Number((seconds / 60).toFixed(1)) })) },
};

/** @param {string} id @param {string} metric @param {Child} [aside] */
function curve(id, metric, aside) {
  const answer = app.feed.of(seriesPath(metric, app.place));
  const per = t(`per.${app.place.window}`);
  const title = `${t(`metric.${metric}`)} · ${metric === "wait" ? t("metric.mean", { per }) : per}`;
  if (!answer?.data) {
    const mixed = metric === "revenue" && answer?.problem?.kind === "malformed"; // yuan and dollars are never added up
    return panel(id, title, aside, el("p", { class: "chart-empty" }, mixed ? t("curve.currencies") : waiting(answer)));
  }
  const series = app.place.region ? answer.data : withMinute(answer.data, app.minute);
  const write = WRITERS[series.unit] ?? WRITERS.orders;
  const value = (/** @type {number} */ amount) => write.value(amount, series.currency);
  const axis = (/** @type {number} */ amount) => write.axis(amount, series.currency);
  const { all, now, before } = inOne(series);
  return panel(id, title, aside,
    el("p", { class: "curve-sum numbers" },
      el("strong", { "data-testid": `sum-${id}` }, all === null ? "–" : value(all)), " ", el("span", { class: "muted" }, t(`within.${app.place.window}`)),
      series.compare && before ? el("span", { class: "curve-change" }, t("curve.change", { change: change(now, before), before: t(`before.${series.compare.kind}`) })) : null),
    app.place.table ? chartTable({ title, series, value }) : chart({ id, title, series, value, axis }));
}

/** The two curves with what chooses their window. */
export function curves() {
  return [
    el("div", { class: "tools", "data-key": "tools" },
      picker("window", choices("window"), (value) => t(`window.${value}`), t("tools.window"), { quiet: true }),
      picker("compare", ["day", "week", "none"], (value) => t(`compare.${value}`), t("tools.compare"), { chosen: comparison(app.place) }),
      el("button", { type: "button", class: "quiet", "aria-pressed": String(app.place.table === "1"), onclick: () => app.go({ table: app.place.table ? "" : "1" }) }, t("tools.table"))),
    el("div", { class: "curves", "data-key": "curves" },
      curve("metric", app.place.metric, picker("metric", choices("metric"), (value) => t(`metric.${value}`), t("tools.metric"), { quiet: true })),
      curve("revenue", "revenue")),
  ];
}

/** Placed → paid → accepted → collected, each of the placed and of the step before. @param {Hq.Today} today */
export function funnel(today) {
  const steps = /** @type {const} */ (["placed", "paid", "accepted", "collected"]);
  return panel("funnel", t("funnel.title"), null,
    el("ol", { class: "funnel" }, steps.map((step, index) => {
      const before = index === 0 ? null : today[steps[index - 1]];
      return el("li", { "data-testid": `funnel-${step}` },
        el("span", { class: "funnel-name" }, t(`funnel.${step}`)),
        el("data", { class: "funnel-count numbers", value: today[step] }, count(today[step])),
        bar(today.placed ? today[step] / today.placed : 0),
        el("span", { class: "numbers funnel-share" }, share(today[step], today.placed)),
        el("span", { class: "numbers muted small funnel-step" }, before === null ? t("funnel.of-placed") : t("funnel.of-before", { share: share(today[step], before) })));
    })),
    el("p", { class: "muted small numbers" }, t("funnel.lost", { cancelled: count(today.cancelled), rejected: count(today.rejected) })));
}
