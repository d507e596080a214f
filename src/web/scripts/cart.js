// The cart and its arithmetic, in minor units. The node decides what an order costs; this says beforehand what it will
// be, sends it as `expected_total`, and is told when it was wrong. One cart a store, kept in the tab.

import { storage } from "./session.js";

/** @param {string} store */
const slot = (store) => `qucan.cart.${store}`;

/** @returns {Cart} */
export const emptyCart = () => ({ lines: [], note: "", coupon: null });

/** @param {string} store @returns {Cart} */
export function loadCart(store) {
  try {
    return { ...emptyCart(), ...JSON.parse(storage.get(slot(store)) ?? "{}") };
  } catch {
    return emptyCart();
  }
}

/** @param {string} store @param {Cart} cart */
export function saveCart(store, cart) {
  storage.set(slot(store), JSON.stringify(cart));
}

/** @param {Menu} menu @param {string} sku */
const itemOf = (menu, sku) => menu.items.find((item) => item.sku === sku);

/** The chosen choices of a line with their names and prices, in the menu's order; a choice that is gone is left out. @param {MenuItem} item @param {PickedOption[]} options */
export function chosen(item, options) {
  return (item.options ?? []).flatMap((group) =>
    group.choices.filter((choice) => options.some((one) => one.option === group.id && one.choice === choice.id)));
}

/** @param {MenuItem} item @param {PickedOption[]} options */
export function unitPrice(item, options) {
  return item.price + chosen(item, options).reduce((sum, choice) => sum + choice.price, 0);
}

/** Adds to a line that is the same in everything, else as a new line. @param {Cart} cart @param {string} sku @param {number} quantity @param {PickedOption[]} options */
export function addLine(cart, sku, quantity, options) {
  const sorted = [...options].sort((a, b) => `${a.option}/${a.choice}`.localeCompare(`${b.option}/${b.choice}`));
  const same = cart.lines.find((line) => line.sku === sku && JSON.stringify(line.options) === JSON.stringify(sorted));
  if (same) same.quantity += quantity;
  else cart.lines.push({ id: `${Date.now()}-${cart.lines.length}`, sku, quantity, options: sorted });
}

/** What a cart costs; `gone` lines are no longer on the menu. @param {Cart} cart @param {Menu} menu @param {Campaign[]} campaigns @returns {CartSum} */
export function sum(cart, menu, campaigns) {
  const lines = cart.lines.map((line) => {
    const item = itemOf(menu, line.sku);
    return { line, item, unit: item ? unitPrice(item, line.options) : 0 };
  });
  const here = lines.filter(({ item }) => item);
  const total = here.reduce((all, { unit, line }) => all + unit * line.quantity, 0);
  const campaign = campaigns.find((one) => one.id === cart.coupon?.campaign);
  const covered = campaign ? here.find(({ item }) => item?.sku === campaign.sku)?.item : undefined;
  // One unit costs the campaign's price instead of the item's; surcharges of its options stay.
  const discount = campaign && covered ? Math.max(0, covered.price - campaign.pay_price) : 0;
  return {
    lines,
    gone: lines.length > here.length,
    count: here.reduce((all, { line }) => all + line.quantity, 0),
    total,
    discount,
    payable: total - discount,
    applied: covered !== undefined,
  };
}

/** The body of `POST /v1/orders`. @param {string} store @param {Cart} cart @param {number} expected */
export function orderRequest(store, cart, expected) {
  return {
    store,
    lines: cart.lines.map(({ sku, quantity, options }) => ({ sku, quantity, ...(options.length > 0 ? { options: options.map(({ option, choice }) => ({ option, choice })) } : {}) })),
    ...(cart.coupon?.id ? { coupon: cart.coupon.id } : {}),
    ...(cart.note.trim() ? { note: cart.note.trim() } : {}),
    expected_total: expected,
  };
}
