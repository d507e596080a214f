// What time it is. The clock of a phone or a till may be wrong by a day; ages, deadlines and pauses are about the node's time, which
// every one of its answers carries.

const AGREE_MS = 2_000; // the header has whole seconds and the answer travelled: less than this is no difference

let ahead = 0;

/** Takes the `Date` header of an answer that was asked for at `asked` (ms since 1970, by this device). @param {string | null} header @param {number} asked */
export function heardTime(header, asked) {
  const theirs = Date.parse(header ?? "");
  if (Number.isNaN(theirs)) return;
  const ours = (asked + Date.now()) / 2;
  const difference = theirs + 500 - ours;
  ahead = Math.abs(difference) < AGREE_MS ? 0 : difference;
}

/** Milliseconds since 1970, as the node sees it. */
export function now() {
  return Date.now() + ahead;
}

/** Whole minutes since a time, never negative. @param {string} time */
export function minutesSince(time) {
  return Math.max(0, Math.floor((now() - Date.parse(time)) / 60_000));
}

/** Whole seconds since a time, never negative. @param {string} time */
export function secondsSince(time) {
  return Math.max(0, Math.floor((now() - Date.parse(time)) / 1_000));
}
