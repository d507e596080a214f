// The country at a glance: figures, curves and funnel, regions and stores (each with a file of its own), stock-outs, campaigns.

import { el } from "./dom.js";
import { named, t } from "./language.js";
import { clock } from "./format.js";
import { app, summary } from "./dashboard-app.js";
import { curves, figures, funnel, openNote, openSum, wantedCharts } from "./dashboard-figures.js";
import { count, share, span } from "./dashboard-format.js";
import { bar, panel, some } from "./dashboard-parts.js";
import { regionsPanel } from "./dashboard-regions.js";
import { ranking, wantedRanking } from "./dashboard-stores.js";

const SHOWN = 5;

export const wantedOverview = () => [...wantedCharts(), ...wantedRanking()];

/** @param {Hq.Summary} summary */
function stockOuts({ stock_outs: found, stock_outs_total: all }) {
  const rows = found.map((one) =>
    el("li", { "data-key": `${one.region}/${one.store}/${one.sku}` },
      el("span", {}, el("strong", {}, named(one.name) || one.sku)),
      el("a", { href: app.link({ view: "store", region: one.region, store: one.store }) }, one.store_name || one.store),
      el("span", { class: "muted small push-right" }, one.region)));
  const more = all - found.length;
  return panel("stock", t("stock-outs.title"), el("span", { class: `tag numbers ${all > 0 ? "warn" : ""}` }, count(all)),
    rows.length === 0 ? el("p", { class: "nothing" }, t("stock-outs.none")) : some(rows, SHOWN, (/** @type {number} */ rest) => t("show.rest", { count: count(rest) })),
    more > 0 ? el("p", { class: "muted small" }, t("stock-outs.cut", { count: count(more) })) : null);
}

/** When a campaign will be used up, in words. @param {Hq.Campaign} campaign */
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

/** @param {Hq.Summary} summary */
function campaigns({ campaigns: found }) {
  const left = (/** @type {Hq.Campaign} */ campaign) => {
    const rate = app.burn.rate(campaign);
    return campaign.remaining <= 0 ? 0 : rate ? campaign.remaining / rate : Infinity;
  };
  // By what is used already, not by the estimate: that one moves, and rows must not dance.
  const sorted = [...found].sort((a, b) => b.claimed / b.quota - a.claimed / a.quota || a.region.localeCompare(b.region));
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
    rows.length === 0 ? el("p", { class: "nothing" }, t("campaigns.none")) : some(rows, SHOWN - 1, (/** @type {number} */ rest) => t("show.rest", { count: count(rest) })));
}

export function overviewView() {
  const country = summary();
  return [
    el("h1", { class: "hidden-visually", tabindex: "-1", "data-key": "title" }, t("page.dashboard")),
    figures({ today: country.today, currency: country.currency, open: openSum(country.open), openNote: openNote(country.open), running: app.minute }),
    curves(),
    el("div", { class: "two", "data-key": "two" }, funnel(country.today), regionsPanel()),
    el("div", { class: "three", "data-key": "three" }, ranking(), stockOuts(country), campaigns(country)),
  ];
}
