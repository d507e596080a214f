// The country at a glance: big figures, curves against yesterday, funnel, stock-outs, campaigns. Regions and stores have
// files of their own.

import { el } from "./dom.js";
import { explain, named, t } from "./language.js";
import { clock } from "./format.js";
import { app } from "./dashboard-app.js";
import { chart, chartTable } from "./dashboard-chart.js";
import { change, compact, compactSum, count, share, span, sum } from "./dashboard-format.js";
import { bar, figure, panel, picker, some } from "./dashboard-parts.js";
import { inOne, seriesPath, wantedSeries, withMinute } from "./dashboard-series.js";
import { choices, comparison } from "./dashboard-url.js";
import { regionsPanel } from "./dashboard-regions.js";
import { ranking, wantedRanking } from "./dashboard-stores.js";

const SHOWN = 5;

export const wantedOverview = () => [...wantedCharts(), ...wantedRanking()];

export const wantedCharts = () => [wantedSeries(app.place.metric, app.place), wantedSeries("revenue", app.place)];

/**
 * Big figures of one day: the country's, a region's or a store's. `open` is how many orders are under way, `running` the
 * present minute where it is known.
 * @param {{today: import("./dashboard-app.js").Today, currency?: string, open: number, openNote: string, running?: any}} day
 */
export function figures({ today, currency, open, openNote, running }) {
  return el("dl", { class: "figures", "data-key": "figures" },
    figure("orders", t("figure.orders"), count(today.placed), today.placed, running ? t("figure.minute", { value: count(running.orders) }) : t("figure.paid", { value: count(today.paid) })),
    figure("revenue", t("figure.revenue"), sum(today.revenue, currency), today.revenue, running ? t("figure.minute", { value: sum(running.revenue, currency) }) : t("figure.paid", { value: count(today.paid) })),
    figure("open", t("figure.open"), count(open), open, openNote),
    figure("wait", t("figure.wait"), span(today.wait_seconds), today.wait_seconds, t("figure.wait-note")),
    figure("rejected", t("figure.rejected"), count(today.rejected), today.rejected, t("figure.rejected-note", { share: share(today.rejected, today.paid, 2), cancelled: count(today.cancelled) })));
}

export const openNote = (open) => t("figure.open-note", { paid: count(open.paid), accepted: count(open.accepted), ready: count(open.ready) });
export const openSum = (open) => open.awaiting_payment + open.paid + open.accepted + open.ready;

const WRITERS = {
  orders: { value: count, axis: compact },
  minor_units: { value: (amount, currency) => sum(amount, currency), axis: compactSum },
  seconds: { value: span, axis: (seconds) => (seconds < 60 ? t("span.seconds", { seconds }) : t("span.short", { minutes: Number((seconds / 60).toFixed(1)) })) },
};

function curve(id, metric, aside) {
  const answer = app.feed.of(seriesPath(metric, app.place));
  const per = t(`per.${app.place.window}`);
  const title = `${t(`metric.${metric}`)} · ${metric === "wait" ? t("metric.mean", { per }) : per}`;
  if (!answer?.data) {
    const mixed = metric === "revenue" && answer?.problem?.kind === "malformed"; // yuan and dollars are never added up
    return panel(id, title, aside, el("p", { class: "chart-empty" }, mixed ? t("curve.currencies") : answer?.problem ? explain(answer.problem) : t("loading")));
  }
  const series = app.place.region ? answer.data : withMinute(answer.data, app.minute);
  const write = WRITERS[series.unit] ?? WRITERS.orders;
  const value = (amount) => write.value(amount, series.currency);
  const axis = (amount) => write.axis(amount, series.currency);
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

/** Placed → paid → accepted → collected, each of the placed and of the step before. */
export function funnel(today) {
  const steps = ["placed", "paid", "accepted", "collected"];
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

function stockOuts(summary) {
  const rows = summary.stock_outs.map((one) =>
    el("li", { "data-key": `${one.region}/${one.store}/${one.sku}` },
      el("span", {}, el("strong", {}, named(one.name) || one.sku)),
      el("a", { href: app.link({ view: "store", region: one.region, store: one.store }) }, one.store_name || one.store),
      el("span", { class: "muted small push-right" }, one.region)));
  const more = summary.stock_outs_total - summary.stock_outs.length;
  return panel("stock", t("stock-outs.title"), el("span", { class: `tag numbers ${summary.stock_outs_total > 0 ? "warn" : ""}` }, count(summary.stock_outs_total)),
    rows.length === 0 ? el("p", { class: "nothing" }, t("stock-outs.none")) : some(rows, SHOWN, (rest) => t("show.rest", { count: count(rest) })),
    more > 0 ? el("p", { class: "muted small" }, t("stock-outs.cut", { count: count(more) })) : null);
}

/** When a campaign will be used up, in words. */
function burnWords(campaign) {
  const now = app.at ?? Date.now();
  if (Date.parse(campaign.ends_at) <= now) return t("burn.ended");
  if (campaign.remaining <= 0) return t("burn.gone");
  if (Date.parse(campaign.starts_at) > now) return t("burn.starts", { time: clock(campaign.starts_at) });
  const rate = app.burn.rate(campaign);
  if (rate === null) return t("burn.measuring");
  if (rate <= 0) return t("burn.still");
  const seconds = campaign.remaining / rate;
  const values = { rate: count(Math.round(rate * 60)), span: span(seconds), time: clock(now + seconds * 1000) };
  if (now + seconds * 1000 > Date.parse(campaign.ends_at)) return t("burn.lasts", values);
  return seconds < 86_400 ? t("burn.at", values) : t("burn.in", values);
}

function campaigns(summary) {
  const left = (campaign) => {
    const rate = app.burn.rate(campaign);
    return campaign.remaining <= 0 ? 0 : rate ? campaign.remaining / rate : Infinity;
  };
  // By what is used already, not by the estimate: that one moves, and rows must not dance.
  const sorted = [...summary.campaigns].sort((a, b) => b.claimed / b.quota - a.claimed / a.quota || a.region.localeCompare(b.region));
  const rows = sorted.map((campaign) => {
    const used = campaign.quota ? campaign.claimed / campaign.quota : 0;
    const kind = campaign.remaining <= 0 ? "gone" : left(campaign) < 1800 || used > 0.9 ? "warn" : "";
    return el("li", { class: "campaign", "data-key": `${campaign.region}/${campaign.id}` },
      el("span", { class: "campaign-name" }, el("strong", {}, named(campaign.name) || campaign.id), " ", el("a", { class: "small", href: app.link({ view: "region", region: campaign.region }) }, campaign.region)),
      el("span", { class: "numbers campaign-share" }, share(campaign.claimed, campaign.quota)),
      bar(used, kind),
      el("span", { class: "numbers small muted" }, t("campaign.used", { claimed: count(campaign.claimed), quota: count(campaign.quota) })),
      el("span", { class: `numbers small campaign-burn ${kind}` }, burnWords(campaign)));
  });
  return panel("campaigns", t("campaigns.title"), null,
    rows.length === 0 ? el("p", { class: "nothing" }, t("campaigns.none")) : some(rows, SHOWN - 1, (rest) => t("show.rest", { count: count(rest) })));
}

export function overviewView() {
  const { summary } = app;
  return [
    el("h1", { class: "hidden-visually", tabindex: "-1", "data-key": "title" }, t("page.dashboard")),
    figures({ today: summary.today, currency: summary.currency, open: openSum(summary.open), openNote: openNote(summary.open), running: app.minute }),
    curves(),
    el("div", { class: "two", "data-key": "two" }, funnel(summary.today), regionsPanel()),
    el("div", { class: "three", "data-key": "three" }, ranking(), stockOuts(summary), campaigns(summary)),
  ];
}
