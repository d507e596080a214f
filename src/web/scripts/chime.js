// Two short notes for a new order, made here (no sound file). Browsers allow sound only after a touch: hence a switch.

import { storage } from "./session.js";

let context = null;

function note(frequency, at) {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0.0001, at);
  gain.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.35);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + 0.4);
}

export const chime = {
  on: false,
  set(on) {
    chime.on = on;
    storage.set("qucan.sound", String(on));
    if (on) {
      context ??= new AudioContext();
      context.resume();
      chime.ring();
    }
  },
  ring() {
    if (!chime.on || !context) return;
    note(880, context.currentTime);
    note(1175, context.currentTime + 0.18);
  },
};
