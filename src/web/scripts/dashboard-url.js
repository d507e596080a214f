// The address of what is shown: every view, filter, metric and window stands behind `#`, so that a link shows the same
// and the back button works. A token never does (session.js takes it out at once).

/** What each parameter may be; the first is the default and is left out of the address. @type {Record<string, string[]>} */
const CHOICES = {
  metric: ["orders", "paid", "rejected", "wait"],
  window: ["1h", "1d", "7d"],
  compare: ["", "day", "week", "none"],
  by: ["wait", "rejected", "orders"],
  status: ["", "awaiting_payment", "paid", "accepted", "ready", "collected", "cancelled", "rejected"],
  table: ["", "1"],
};

/** Parameters that any text may be. */
const TEXTS = /** @type {const} */ (["q", "from", "to"]);

/** What goes along from view to view, and what belongs to one alone. */
const CARRIED = ["metric", "window", "compare", "table"];
/** @type {Record<string, string[]>} */
const OF_VIEW = {
  overview: ["by"],
  region: ["by", "q"],
  store: ["status", "from", "to"],
  orders: ["status", "from", "to"],
  order: [],
};

/** @param {string} name */
export const choices = (name) => CHOICES[name];

/** Comparing a week with the week before it says something; with the day before it says little. @param {Hq.Place} place */
export const comparison = (place) => place.compare || (place.window === "7d" ? "week" : "day");

/** @param {string} part */
const decoded = (part) => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

/** @param {string} hash @returns {Hq.Place} */
export function placeOf(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(decoded);
  const given = new URLSearchParams(query);
  /** @type {any} */
  const place = { view: "overview", region: "", store: "", order: "" };
  for (const [name, known] of Object.entries(CHOICES)) place[name] = known.includes(given.get(name) ?? "") ? given.get(name) : known[0];
  for (const name of TEXTS) place[name] = given.get(name) ?? "";
  for (const name of ["from", "to"]) if (place[name] && Number.isNaN(Date.parse(place[name]))) place[name] = "";
  if (parts[0] === "region" && parts[1] && parts[2] === "store" && parts[3]) Object.assign(place, { view: "store", region: parts[1], store: parts[3] });
  else if (parts[0] === "region" && parts[1]) Object.assign(place, { view: "region", region: parts[1] });
  else if (parts[0] === "orders") Object.assign(place, { view: "orders", region: given.get("region") ?? "", store: given.get("store") ?? "" });
  else if (parts[0] === "order" && parts[1]) Object.assign(place, { view: "order", order: parts[1] });
  return place;
}

/** @param {Hq.Place} place */
function pathOf(place) {
  const part = encodeURIComponent;
  if (place.view === "region") return `#/region/${part(place.region)}`;
  if (place.view === "store") return `#/region/${part(place.region)}/store/${part(place.store)}`;
  if (place.view === "orders") return "#/orders";
  if (place.view === "order") return `#/order/${part(place.order)}`;
  return "#/";
}

/** The address of `place` with `changes`. Another view begins with its own filters at rest. @param {Hq.Place} place @param {Hq.Changes} changes */
export function hrefOf(place, changes = {}) {
  const wanted = /** @type {Hq.Place & Record<string, string>} */ ({ ...place, ...changes });
  const sameView = wanted.view === place.view && pathOf(wanted) === pathOf(place);
  const names = [...CARRIED, ...OF_VIEW[wanted.view]];
  const query = new URLSearchParams();
  for (const name of names) {
    const value = sameView || name in changes || CARRIED.includes(name) ? wanted[name] : "";
    if (value && value !== CHOICES[name]?.[0]) query.set(name, value);
  }
  if (wanted.view === "orders") for (const name of ["region", "store"]) if (wanted[name]) query.set(name, wanted[name]);
  const text = query.toString();
  return text ? `${pathOf(wanted)}?${text}` : pathOf(wanted);
}

/** What makes a view another one, for whoever reads it: then it begins at its heading. @param {Hq.Place} place */
export const identity = (place) => [place.view, place.view === "orders" ? "" : place.region, place.view === "orders" ? "" : place.store, place.order].join("/");
