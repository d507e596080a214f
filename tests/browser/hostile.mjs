// What somebody nasty writes into every field that a person fills in; and what must not come of it.

import assert from "node:assert/strict";
import { sidewaysScroll } from "./browser.mjs";

export const HOSTILE = [
  '<img src=x onerror="window.pwned=1">', "<script>window.pwned=1</script>", '"><svg onload=window.pwned=1>', "{{assets}}${window.pwned=1}", "' onclick='window.pwned=1",
  "\u202e\u2066evil\u2069 &lt;b&gt; &amp;", "长".repeat(60), "W".repeat(60), "javascript:window.pwned=1", "<!-- --><style>*{display:none}</style>",
];
const HOSTILE_URL = "javascript:window.pwned=1";

/** Puts something nasty into every field of a catalogue. */
export function spoil(catalogue) {
  let turn = 0;
  const nasty = (least = 0) => HOSTILE[(turn++ + least) % HOSTILE.length];
  const name = () => ({ zh: nasty(), en: nasty(3) });
  for (const store of catalogue.stores) Object.assign(store, { name: nasty(), city: nasty(), address: nasty() });
  for (const item of catalogue.items) {
    Object.assign(item, { name: name(), category: nasty(), image: turn % 2 ? HOSTILE_URL : '/assets/"onerror=window.pwned=1' });
    for (const option of item.options ?? []) {
      option.name = name();
      for (const choice of option.choices) choice.name = name();
    }
  }
  for (const campaign of catalogue.campaigns) campaign.name = name();
}

/** Nothing of it ran, became an element, or pushes the page sideways. */
export async function staysText(page, path) {
  const state = await page.evaluate(() => ({ pwned: window.pwned, foreign: [...document.querySelectorAll("main script, main style, main [onerror], main [onload], main [onclick]")].length, images: [...document.images].map((image) => image.getAttribute("src")).filter((src) => /^javascript/i.test(src)) }));
  assert.deepEqual(state, { pwned: undefined, foreign: 0, images: [] }, path);
  const wide = () => page.evaluate(() => [...document.querySelectorAll("body *")].filter((node) => node.getBoundingClientRect().right > document.documentElement.clientWidth + 1 || node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).display !== "inline").slice(-3).map((node) => node.outerHTML.slice(0, 120)).join("\n"));
  assert.equal(await sidewaysScroll(page), 0, `${path} scrolls sideways: ${await wide()}`);
}
