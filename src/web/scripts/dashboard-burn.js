// How fast coupons are claimed: the rate over the last minutes, from the figures that came by. Kept in this page only.

const KEPT_MS = 5 * 60_000;
const LEAST_MS = 20_000;
const EVERY_MS = 5_000;
const CAMPAIGNS_MAX = 500;

/** @param {Hq.Campaign} campaign */
const keyOf = (campaign) => `${campaign.region}/${campaign.id}`;

export class Burn {
  /** @type {Map<string, { at: number, claimed: number }[]>} oldest first */
  #seen = new Map();

  /** Takes the figures of one moment. @param {number} at @param {Hq.Campaign[]} campaigns */
  take(at, campaigns) {
    for (const campaign of campaigns.slice(0, CAMPAIGNS_MAX)) {
      const key = keyOf(campaign);
      const points = this.#seen.get(key) ?? [];
      const last = points.at(-1);
      // A smaller figure than before: given back, or another quota. Measuring begins anew.
      if (last && campaign.claimed < last.claimed) points.length = 0;
      if (!last || points.length === 0 || at - last.at >= EVERY_MS) points.push({ at, claimed: campaign.claimed });
      while (points.length > 2 && at - points[1].at >= KEPT_MS) points.shift();
      this.#seen.set(key, points);
    }
    const present = new Set(campaigns.map(keyOf));
    for (const key of this.#seen.keys()) if (!present.has(key)) this.#seen.delete(key);
  }

  /** Coupons a second, or null before there is enough to say. @param {Hq.Campaign} campaign */
  rate(campaign) {
    const points = this.#seen.get(keyOf(campaign)) ?? [];
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last || last.at - first.at < LEAST_MS) return null;
    return (last.claimed - first.claimed) / ((last.at - first.at) / 1000);
  }
}
