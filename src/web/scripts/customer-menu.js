// The menu of one store with its offers, the options of an item, and beside it (or after it, on a phone) the cart.

import { call, path, Problem } from "./api.js";
import { addLine, loadCart, sum, unitPrice } from "./cart.js";
import { app, isAway, keepCart, nameOf, stepper } from "./customer-app.js";
import { cartView } from "./customer-cart.js";
import { findStore, storeTag, visited } from "./customer-stores.js";
import { ask, el, notice, once } from "./dom.js";
import { money, number } from "./format.js";
import { icon } from "./icons.js";
import { keep, recall } from "./keep.js";
import { category, named, t } from "./language.js";
import { title } from "./shell.js";
import { now } from "./time.js";
import { categories } from "./words.js";

/**
 * The menu that was kept at once, then the present one.
 * @param {string} id @param {boolean} showCart @param {import("./customer-app.js").Show} show
 */
export async function openStore(id, showCart, show) {
  const slot = `menu.${id}`;
  const here = app.store?.id === id && app.menu ? { store: app.store, menu: app.menu } : null;
  const kept = here ?? recall(slot);
  const enter = (/** @type {{ store: Store, menu: Menu }} */ what, offline = false) =>
    show(() => Object.assign(app, what, { showCart, offline, view: "store", cart: app.store?.id === id && app.cart ? app.cart : loadCart(id) }));
  if (kept) enter(kept);
  try {
    const [store, menu] = await Promise.all([findStore(id), call("GET", path`/v1/stores/${id}/menu`, { open: true })]);
    if (!store) throw new Problem("unknown-store", 404);
    keep(slot, { store, menu });
    visited(id);
    enter({ store, menu });
  } catch (problem) {
    if (!kept || !isAway(problem)) throw problem;
    enter(kept, true);
  }
}

/** The coupon of a campaign that can be used now, if the customer holds one. @param {string} campaign */
const usable = (campaign) => app.coupons.find((coupon) => coupon.campaign === campaign && coupon.status === "claimed");
/** @param {string} campaign */
const used = (campaign) => app.coupons.filter((coupon) => coupon.campaign === campaign && coupon.status === "redeemed").length;

/** One tap: claim (or take the coupon held), put the item into the cart, apply. */
const takeOffer = once(async (/** @type {Campaign} */ campaign) => {
  try {
    const coupon = usable(campaign.id) ?? (await call("POST", path`/v1/campaigns/${campaign.id}/claim`));
    if (!app.coupons.some((one) => one.id === coupon.id)) app.coupons.unshift(coupon);
    if (!app.cart.lines.some((line) => line.sku === campaign.sku)) {
      const item = app.menu.items.find((one) => one.sku === campaign.sku);
      if (!item || !(await choose(item))) return app.draw();
    }
    app.cart.coupon = { id: coupon.id, campaign: campaign.id };
    keepCart();
    notice(t("offer.applied"));
  } catch (problem) {
    app.failed(problem, nameOf);
    await app.loadCoupons().catch(() => {});
    app.draw();
  }
});

/** @param {Campaign} campaign */
function offerCard(campaign) {
  const item = app.menu.items.find((one) => one.sku === campaign.sku);
  if (!item || now() < Date.parse(campaign.starts_at) || now() >= Date.parse(campaign.ends_at)) return null;
  const inCart = app.cart.coupon?.campaign === campaign.id && app.cart.lines.some((line) => line.sku === campaign.sku);
  const held = usable(campaign.id);
  const spent = !held && used(campaign.id) >= campaign.per_member;
  const gone = !held && campaign.remaining === 0;
  const [state, label] = inCart ? ["done", t("offer.in-cart")]
    : spent ? ["done", t("offer.used")]
    : gone || item.available === 0 ? ["done", t(gone ? "offer.gone" : "menu.sold-out")]
    : ["open", held ? t("offer.use") : t("offer.take", { price: money(campaign.pay_price, app.menu.currency) })];
  return el("li", { class: "offer", "data-key": campaign.id },
    el("div", {},
      el("h3", {}, named(campaign.name) || t("offer.title", { item: named(item.name), price: money(campaign.pay_price, app.menu.currency) })),
      el("p", { class: "small" }, `${named(item.name)} · ${t("offer.was", { price: money(item.price, app.menu.currency) })} · ${t("offer.remaining", { count: number(campaign.remaining) })}`)),
    state === "done" ? el("span", { class: "tag good push-right" }, label)
      : el("button", { class: "primary push-right", type: "button", disabled: !app.session.get(), onclick: () => takeOffer(campaign) }, label));
}

/** @type {Set<string>} */
const brokenPictures = new Set();

/** A picture of this node's or of the chain's CDN; in place of one that does not come stands a drawing. @param {MenuItem} item */
function picture({ image }) {
  if (!image || !/^(\/(?!\/)|https:\/\/)/.test(image) || brokenPictures.has(image)) {
    // A menu without any picture is a list of words, not of drawings.
    return app.menu.items.some((one) => one.image) ? el("span", { class: "item-picture none" }, icon("dish")) : null;
  }
  const gone = () => {
    brokenPictures.add(image);
    app.draw();
  };
  return el("img", { class: "item-picture", src: image, alt: "", loading: "lazy", width: "72", height: "72", onerror: gone });
}

/** @param {MenuItem} item */
function itemCard(item) {
  const out = item.available === 0;
  const few = item.available !== null && item.available > 0 && item.available <= 5;
  const name = named(item.name);
  const options = (item.options ?? []).length > 0;
  const more = (item.options ?? []).some((group) => group.choices.some((choice) => choice.price > 0));
  const inCart = app.cart.lines.filter((line) => line.sku === item.sku).reduce((all, line) => all + line.quantity, 0);
  return el("li", { class: `card item ${out ? "out" : ""}`, "data-key": item.sku },
    picture(item),
    el("div", { class: "item-text" },
      el("h3", {}, name),
      el("p", { class: "row" },
        el("span", { class: "price numbers" }, more ? t("menu.from", { price: money(item.price, app.menu.currency) }) : money(item.price, app.menu.currency)),
        out ? el("span", { class: "tag" }, t("menu.sold-out")) : null,
        few ? el("span", { class: "tag warn" }, t("menu.left", { count: item.available })) : null)),
    out ? null : el("button", { type: "button", class: "item-add", "aria-label": t(options ? "menu.choose-named" : "menu.add-named", { item: name }), onclick: () => choose(item) },
      t(options ? "menu.choose" : "menu.add"), inCart > 0 ? el("span", { class: "bubble numbers" }, inCart) : null));
}

/** Lets the customer choose the options of an item and puts it into the cart; false when dismissed. @param {MenuItem} item */
async function choose(item) {
  const picked = (item.options ?? []).length > 0 ? await askOptions(item) : { quantity: 1, options: [] };
  if (!picked) return false;
  addLine(app.cart, item.sku, picked.quantity, picked.options);
  keepCart();
  notice(t("menu.added", { item: named(item.name) }));
  return true;
}

/** @param {MenuItem} item @returns {Promise<{ quantity: number, options: PickedOption[] } | null>} */
function askOptions(item) {
  const name = named(item.name);
  // The first choice of what must be chosen is ticked already: most people want it.
  const groups = item.options ?? [];
  const options = groups.flatMap((group) => group.choices.slice(0, group.min).map((choice) => ({ option: group.id, choice: choice.id })));
  let quantity = 1;
  const count = (/** @type {OptionGroup} */ group) => options.filter((one) => one.option === group.id).length;
  const toggle = (/** @type {OptionGroup} */ group, /** @type {Choice} */ choice, /** @type {boolean} */ on) => {
    const single = group.max === 1;
    for (let index = options.length - 1; index >= 0; index -= 1) {
      const one = options[index];
      if (one.option === group.id && (single || one.choice === choice.id)) options.splice(index, 1);
    }
    if (on) options.push({ option: group.id, choice: choice.id });
  };
  const rule = (/** @type {OptionGroup} */ { min, max }) => (min === 1 && max === 1 ? t("choose.one") : min === 0 ? t("choose.upto", { max }) : t("choose.some", { min, max }));
  return ask(name, (close, redraw) => {
    const draw = () => redraw(form());
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      const lacking = groups.find((group) => count(group) < group.min);
      if (lacking) notice(t("choose.too-few", { group: named(lacking.name), min: lacking.min }), "bad");
      else close({ quantity, options });
    };
    const form = () => el("form", { onsubmit: submit, novalidate: true },
      el("div", { class: "row" }, el("h2", {}, name), el("button", { type: "button", class: "plain push-right", onclick: () => close(null), "aria-label": t("close") }, "✕")),
      groups.map((group) => {
        const single = group.min === 1 && group.max === 1;
        return el("fieldset", {}, el("legend", {}, named(group.name), " ", el("span", { class: "muted small" }, rule(group))),
          el("div", { class: "choices" }, group.choices.map((choice) => {
            const on = options.some((one) => one.option === group.id && one.choice === choice.id);
            return el("label", { class: "choice" },
              el("input", { type: single ? "radio" : "checkbox", name: group.id, checked: on, disabled: !on && !single && group.max > 1 && count(group) >= group.max, onchange: (/** @type {any} */ event) => { toggle(group, choice, event.target.checked); draw(); } }),
              el("span", {}, named(choice.name)),
              choice.price > 0 ? el("span", { class: "muted numbers push-right" }, `+${money(choice.price, app.menu.currency)}`) : null);
          })));
      }),
      el("div", { class: "row" }, el("strong", {}, t("choose.quantity")),
        stepper(quantity, { less: t("choose.less"), more: t("choose.more") }, (next) => { quantity = Math.max(1, next); draw(); }, 1, item.available !== null && item.available < 20 ? item.available : 99)),
      el("div", { class: "buttons" }, el("button", { class: "primary large wide", type: "submit" }, t("choose.add", { price: money(unitPrice(item, options) * quantity, app.menu.currency) }))));
    return form();
  });
}

/** @param {MenuItem[]} items */
function byCategory(items) {
  /** @type {Map<string, MenuItem[]>} */
  const groups = new Map();
  for (const item of items) groups.set(item.category, [...(groups.get(item.category) ?? []), item]);
  const place = (/** @type {string} */ heading) => { // sets before mains before drinks, as menus are read; other headings follow as they come
    const index = Object.keys(categories).indexOf(heading);
    return index < 0 ? Infinity : index;
  };
  return [...groups].sort(([a], [b]) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}

async function askToken() {
  const token = await ask(t("staff.token"), (close) =>
    el("form", { onsubmit: (/** @type {any} */ event) => { event.preventDefault(); close(String(new FormData(event.target).get("token") ?? "")); } },
      el("h2", {}, t("staff.token")),
      el("div", { class: "field" }, el("label", { for: "token" }, t("sign-in.paste")), el("textarea", { id: "token", name: "token", rows: "4", autocomplete: "off", spellcheck: "false" })),
      el("div", { class: "buttons" }, el("button", { type: "button", onclick: () => close(null) }, t("cancel")), el("button", { class: "primary", type: "submit" }, t("staff.start")))));
  if (token === null) return;
  if (app.session.adopt(token)) await app.loadCoupons().catch(app.failed);
  else notice(t("sign-in.bad"), "bad");
  app.signInNeeded = !app.session.get();
  app.draw();
}

export function storeView() {
  const { store, menu, cart } = app;
  title(store.name);
  const groups = byCategory(menu.items);
  const offers = app.campaigns.map(offerCard).filter(Boolean);
  const totals = sum(cart, menu, app.campaigns);
  const closed = !store.open ? t("menu.closed") : !store.accepting ? t("menu.paused") : null;
  return el("div", { class: `shop ${app.showCart ? "show-cart" : ""}` },
    app.offline ? el("p", { class: "banner across" }, t("offline.menu")) : null,
    el("div", { class: "menu", "data-key": "menu" },
      el("div", { class: "row" }, el("h1", { tabindex: "-1" }, store.name), storeTag(store)),
      el("div", { class: "row store-where" }, el("span", { class: "muted small" }, `${store.city} · ${store.address}`), el("a", { class: "button plain push-right", href: "#/" }, t("menu.change-store"))),
      closed && !app.offline ? el("p", { class: "banner" }, closed) : null,
      app.signInNeeded ? el("p", { class: "banner row" }, t("sign-in.needed"), el("button", { type: "button", class: "push-right", onclick: askToken }, t("sign-in.paste"))) : null,
      offers.length > 0 ? el("ul", { class: "offers" }, offers) : null,
      el("nav", { class: "categories", "aria-label": t("menu.categories") }, groups.map(([heading], index) =>
        el("button", { type: "button", class: "plain", onclick: () => document.getElementById(`category-${index}`)?.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" }) }, category(heading)))),
      groups.map(([heading, items], index) =>
        el("section", { "aria-labelledby": `category-${index}`, "data-key": `category ${heading}` },
          el("h2", { id: `category-${index}`, class: "category" }, category(heading)),
          el("ul", { class: "items" }, items.map(itemCard))))),
    el("aside", { class: "cart-side", "data-key": "cart", "aria-label": t("cart.title") }, cartView(totals)),
    totals.count > 0 && !app.showCart
      ? el("a", { class: "button primary large cart-bar", "aria-label": t("cart.show", { count: totals.count }), href: `#/store/${encodeURIComponent(store.id)}/cart` },
          el("span", {}, t("cart.title"), " ", el("span", { class: "bubble numbers" }, totals.count)), el("span", { class: "numbers push-right" }, money(totals.payable, menu.currency)))
      : null);
}
