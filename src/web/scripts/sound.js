// The button that switches the sounds of this device on and off, and says when the browser waits for a touch.

import { chime } from "./chime.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./language.js";

/** @param {boolean} [unattended] whether the page may stand where nobody touches it: then it says that a touch is wanted */
export function soundSwitch(unattended = false) {
  const blocked = unattended && chime.blocked;
  const label = t(blocked ? "sound.blocked" : chime.on ? "sound.on" : "sound.off");
  // A touch anywhere lifts the block, so this one must not switch off what the person wanted to hear.
  const press = () => chime.set(chime.wasBlocked() || !chime.on);
  return el("button", { type: "button", class: `plain sound ${blocked ? "blocked" : ""}`, "aria-pressed": String(chime.on), "aria-label": label, onclick: press },
    icon(chime.on && !blocked ? "bell" : "bell-off"), el("span", { class: "sound-label" }, label));
}
