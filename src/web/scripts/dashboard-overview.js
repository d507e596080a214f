// The country at a glance: figures, curves and funnel, regions and stores (each with a file of its own), stock-outs, campaigns.

import { el } from "./dom.js";
import { named, t } from "./language.js";
import { clock } from "./format.js";
import { app } from "./dashboard-app.js";
import { curves, figures, funnel, openNote, openSum, wantedCharts } from "./dashboard-figures.js";
import { count, share, span } from "./dashboard-format.js";
import { bar, panel, some } from "./dashboard-parts.js";
import { regionsPanel } from "./dashboard-regions.js";
import { ranking, wantedRanking } from "./dashboard-stores.js";

const SHOWN = 5;

export const wantedOverview = () => [...wantedCharts(), ...wantedRanking()];

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
