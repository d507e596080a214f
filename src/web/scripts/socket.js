// The push connection (subprotocol qucan.v1): subscribe, resume where we were, acknowledge, and be honest about silence.
// A topic's handlers are given the whole object as it is now: { snapshot(data), event(name, data), problem(problem), poll() }.
// Whenever the socket is away, `poll` is called instead: once soon, then every minute.

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;
const CROWDED_MS = 5_000;
const CONNECT_WITHIN_MS = 10_000;
const POLL_AFTER_MS = 4_000;
const POLL_EVERY_MS = 60_000;
const PING_EVERY_MS = 15_000;

const CLOSE = { auth: 4401, topic: 4403, replaced: 4409, crowded: 4429 };

export class Push {
  #tokens;
  #changed;
  /** @type {Map<string, { handlers: TopicHandlers, offset: number | null, epoch: number | null }>} */
  #topics = new Map();
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {number | null} */
  #epoch = null;
  /** @type {string | null} */
  #token = null; // what this connection came with
  #failures = 0;
  #retry = 0;
  #poll = 0;
  #watch = 0;
  #silenceMs = 2 * PING_EVERY_MS;
  #notBefore = 0; // when a node that restarts has asked us to come back: clients come spread over time

  /** `tokens` as for the API; `changed(state)` is told of every change of `state` ("idle", "connecting", "live", "lost"). */
  /** @param {Tokens} tokens @param {(state: string) => void} changed */
  constructor(tokens, changed = () => {}) {
    this.#tokens = tokens;
    this.#changed = changed;
    this.state = "idle";
    /** @type {number | null} */
    this.lastHeard = null; // ms since 1970, of anything the node said
    addEventListener("online", () => this.#hurry());
    addEventListener("offline", () => this.#cut());
    addEventListener("pageshow", (event) => event.persisted && this.#hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#hurry());
  }

  /** Follows a topic; returns a function that stops it. @param {string} topic @param {TopicHandlers} handlers */
  subscribe(topic, handlers) {
    this.#topics.set(topic, { handlers, offset: null, epoch: null });
    if (this.state === "live") this.#ask(topic);
    else if (!this.#socket) this.#connect();
    return () => {
      if (this.#topics.get(topic)?.handlers !== handlers) return;
      this.#topics.delete(topic);
      if (this.state === "live") this.#send({ type: "unsubscribe", topic });
      if (this.#topics.size === 0) this.#stop();
    };
  }

  /** @param {string} state */
  #set(state) {
    if (this.state === state) return;
    this.state = state;
    clearTimeout(this.#poll);
    if (state === "lost" || state === "connecting") this.#poll = setTimeout(() => this.#pollAll(), POLL_AFTER_MS);
    this.#changed(state);
  }

  #connect() {
    clearTimeout(this.#retry);
    const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/push`;
    const socket = new WebSocket(url, "qucan.v1");
    this.#socket = socket;
    if (this.state === "idle") this.#set("connecting");
    this.#watchSilence(CONNECT_WITHIN_MS);
    socket.onopen = () => {
      this.#token = this.#tokens.get();
      this.#send({ type: "auth", token: this.#token ?? "" });
    };
    socket.onmessage = ({ data }) => socket === this.#socket && this.#hear(data);
    socket.onclose = ({ code }) => socket === this.#socket && this.#closed(code);
  }

  #stop() {
    clearTimeout(this.#retry);
    clearTimeout(this.#watch);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
    this.#set("idle");
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @param {string} topic */
  #ask(topic) {
    const entry = this.#topics.get(topic);
    if (!entry) return;
    const since = entry.offset === null ? {} : { since: entry.offset, epoch: entry.epoch };
    this.#send({ type: "subscribe", topic, ...since });
  }

  // Nothing heard for so long (pings included) means the line is dead, whatever the socket believes.
  /** @param {number} ms */
  #watchSilence(ms) {
    clearTimeout(this.#watch);
    const socket = this.#socket;
    this.#watch = setTimeout(() => socket === this.#socket && this.#cut(), ms);
  }

  // The line is cut, though the socket may not know it yet.
  #cut() {
    if (!this.#socket) return;
    this.#socket.onclose = null;
    this.#socket.close();
    this.#closed(0);
  }

  /** @param {string} text */
  #hear(text) {
    this.lastHeard = Date.now();
    this.#watchSilence(this.#silenceMs);
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    switch (message.type) {
      case "ready":
        return this.#ready(message);
      case "snapshot":
        return this.#snapshot(message);
      case "event":
        return this.#event(message);
      case "error":
        return this.#refused(message);
      case "drain":
        return this.#drain(message.reconnect_after_ms ?? BACKOFF_FIRST_MS);
      default:
        return undefined;
    }
  }

  /** @param {any} message */
  #ready({ epoch, heartbeat_ms: heartbeat }) {
    this.#epoch = epoch;
    this.#failures = 0;
    const every = Math.min(heartbeat ?? PING_EVERY_MS, PING_EVERY_MS);
    this.#silenceMs = 2 * every;
    const socket = this.#socket;
    const beat = setInterval(() => {
      if (socket !== this.#socket) clearInterval(beat);
      else this.#send({ type: "ping" });
    }, every);
    this.#set("live");
    for (const topic of this.#topics.keys()) this.#ask(topic);
  }

  /** @param {any} message */
  #snapshot({ topic, offset, data }) {
    const entry = this.#topics.get(topic);
    if (!entry) return;
    entry.offset = offset;
    entry.epoch = this.#epoch;
    this.#send({ type: "ack", topic, offset });
    entry.handlers.snapshot(data);
  }

  /** @param {any} message */
  #event({ topic, offset, event, data }) {
    const entry = this.#topics.get(topic);
    if (!entry) return;
    if (entry.offset !== null && offset <= entry.offset) {
      this.#send({ type: "ack", topic, offset }); // sent again: seen before
      return;
    }
    if (entry.offset === null || offset !== entry.offset + 1) {
      entry.offset = null; // something is missing: begin again with a snapshot
      this.#send({ type: "unsubscribe", topic });
      this.#ask(topic);
      return;
    }
    entry.offset = offset;
    entry.epoch = this.#epoch;
    this.#send({ type: "ack", topic, offset });
    entry.handlers.event(event, data);
  }

  /** @param {any} message */
  #refused({ topic, problem }) {
    const entry = topic && this.#topics.get(topic);
    if (!entry) return;
    this.#topics.delete(topic);
    entry.handlers.problem?.(problem);
  }

  /** @param {number} code */
  async #closed(code) {
    clearTimeout(this.#watch);
    this.#socket = null;
    if (this.#topics.size === 0) return this.#set("idle");
    this.#set("lost");
    this.#failures += 1;
    // A connection of the token before must not end the session of whoever has signed in since.
    const stale = code === CLOSE.auth && this.#tokens.get() === this.#token;
    if (stale && !(await this.#tokens.renew())) return this.#giveUp("unauthenticated");
    if (code === CLOSE.topic) return this.#giveUp("not-found");
    const backoff = Math.min(BACKOFF_FIRST_MS * 2 ** (this.#failures - 1), BACKOFF_MAX_MS) * (0.5 + Math.random() / 2);
    const crowded = code === CLOSE.crowded || code === CLOSE.replaced ? CROWDED_MS : 0;
    return this.#later(Math.max(crowded + backoff, this.#notBefore - Date.now()));
  }

  /** @param {string} kind */
  #giveUp(kind) {
    const topics = [...this.#topics.values()];
    this.#topics.clear();
    for (const { handlers } of topics) handlers.problem?.({ type: `/problems/${kind}` });
  }

  /** @param {number} ms */
  #drain(ms) {
    this.#notBefore = Date.now() + ms;
    this.#later(ms); // until then the old connection still serves, if the node lets it
  }

  /** @param {number} ms */
  #later(ms) {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      const old = this.#socket;
      this.#socket = null;
      old?.close(1000);
      if (this.#topics.size > 0) this.#connect();
    }, ms);
  }

  #hurry() {
    if (this.#topics.size === 0) return;
    if (this.state === "live") {
      this.#send({ type: "ping" }); // a phone that slept finds out quickly whether its line still works
      this.#watchSilence(5_000);
    } else if (!this.#socket) {
      this.#failures = 0;
      this.#connect();
    }
  }

  async #pollAll() {
    for (const { handlers } of [...this.#topics.values()]) {
      try {
        await handlers.poll?.();
        this.lastHeard = Date.now();
      } catch {
        // The line is down for both; the next round comes.
      }
    }
    if (this.state === "lost" || this.state === "connecting") this.#poll = setTimeout(() => this.#pollAll(), POLL_EVERY_MS);
  }
}
