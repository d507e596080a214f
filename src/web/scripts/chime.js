// The sounds of the pages, made here (no sound file), and the voice where the browser has one. Browsers allow sound only after a
// touch of the page: until then `blocked` says so, and the first touch anywhere lifts it.

import { set, setting } from "./keep.js";

const SLOT = "sound";
const LOUD = 0.4;
/** Frequency in hertz and start in seconds of every note. @type {Record<string, [number, number][]>} */
const TUNES = {
  new: [[880, 0], [1175, 0.18]],
  late: [[1175, 0], [1175, 0.2], [1175, 0.4], [880, 0.6]],
  ready: [[659, 0], [784, 0.16], [1047, 0.32]],
  call: [[784, 0], [622, 0.45]],
};

/** @type {AudioContext | null} */
let context = null;
let liftedAt = -Infinity;
/** @type {Set<() => void>} */
const listeners = new Set();
const changed = () => listeners.forEach((listener) => listener());

/** @param {AudioContext} audio @param {number} frequency @param {number} at */
function note(audio, frequency, at) {
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  oscillator.type = "triangle";
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0.0001, at);
  gain.gain.exponentialRampToValueAtTime(LOUD, at + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.5);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(at);
  oscillator.stop(at + 0.55);
}

export const chime = {
  /** Whether this device is to make sounds. */
  on: setting(SLOT) !== "off",

  /** Whether it is to, but the browser waits for a touch. */
  get blocked() {
    return chime.on && context?.state !== "running";
  },

  /** Whether it was so until this very touch. */
  wasBlocked: () => performance.now() - liftedAt < 400,

  /** Makes sound without a touch where the browser allows that (a kiosk that was started so). */
  begin: () => void arm(),

  /** Is told when `on` or `blocked` changed. @param {() => void} listener */
  listen(listener) {
    listeners.add(listener);
  },

  /** Switches the sounds of this device on or off; on is heard at once. @param {boolean} on */
  set(on) {
    chime.on = on;
    set(SLOT, on ? "on" : "off");
    if (on) arm().then(() => chime.ring("new"));
    else speechSynthesis?.cancel();
    changed();
  },

  /** Plays a tune. @param {string} tune */
  ring(tune) {
    if (!chime.on || !context || context.state !== "running") return;
    const at = context.currentTime + 0.02;
    for (const [frequency, start] of TUNES[tune]) note(context, frequency, at + start);
  },

  /** Says it aloud, after what is being said. @param {string} text @param {string} language such as "zh-CN" */
  say(text, language) {
    if (!chime.on || !("speechSynthesis" in window)) return;
    const speech = new SpeechSynthesisUtterance(text);
    speech.lang = language;
    speech.rate = 0.9;
    speechSynthesis.speak(speech);
  },
};

async function arm() {
  if (!chime.on) return;
  try {
    context ??= new AudioContext();
    if (context.state !== "running") {
      await context.resume();
      liftedAt = performance.now();
    }
  } catch {
    return; // no sound on this device
  }
  changed();
}

for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, arm, { capture: true, passive: true });
