// Who uses this page. In sandbox mode the node gives out tokens for the asking; in production a token comes in the
// link's fragment (#token=…, never sent to a server) or is pasted. It lives in this tab's session storage only.

import { call, Problem } from "./api.js";

/** @param {string} role */
const slot = (role) => `qucan.session.${role}`;

/** Session storage that may be switched off: then things last until the page is left. */
const memory = new Map();
export const storage = {
  /** @param {string} name @returns {string | null} */
  get(name) {
    try {
      return sessionStorage.getItem(name);
    } catch {
      return memory.get(name) ?? null;
    }
  },
  /** @param {string} name @param {string} value */
  set(name, value) {
    try {
      sessionStorage.setItem(name, value);
    } catch {
      memory.set(name, value);
    }
  },
  /** @param {string} name */
  remove(name) {
    memory.delete(name);
    try {
      sessionStorage.removeItem(name);
    } catch {
      // nothing was kept
    }
  },
};

/** @param {string} token */
function claimsOf(token) {
  try {
    const middle = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(middle), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** One role's session: `token`, `subject`, `role`, `store`, and how to get the next token. */
export class Session {
  /** @param {string} role */
  constructor(role) {
    this.role = role;
    /** @type {string | null} */
    this.token = null;
    /** @type {string | null} */
    this.subject = null;
    /** @type {string | null} */
    this.store = null;
    this.sandbox = false;
    this.ended = () => {}; // is told when the token is no longer any good
    this.#recall();
  }

  #recall() {
    const link = new URLSearchParams(location.hash.slice(1)).get("token");
    if (link) {
      history.replaceState(null, "", location.pathname + location.search);
      if (this.adopt(link)) return;
    }
    try {
      Object.assign(this, JSON.parse(storage.get(slot(this.role)) ?? "{}"));
    } catch {
      storage.remove(slot(this.role));
    }
  }

  #keep() {
    const { token, subject, store, sandbox } = this;
    storage.set(slot(this.role), JSON.stringify({ token, subject, store, sandbox }));
  }

  /** Takes a token as it is; false if it is none or of a role that has no business here. @param {string} token */
  adopt(token) {
    const claims = claimsOf(token.trim());
    const fits = claims && (claims.role === this.role || (this.role === "store" && claims.role === "operator"));
    if (!fits) return false; // whether it has expired is the node's to say: the clock of this device may be wrong
    Object.assign(this, { token: token.trim(), subject: claims.sub, store: claims.store ?? this.store, sandbox: false });
    this.#keep();
    return true;
  }

  /** Asks the sandbox for a token; false where there is no sandbox. @param {string} subject @param {string | null} store */
  async begin(subject, store = null) {
    const body = { role: this.role, subject, ...(store === null ? {} : { store }) };
    try {
      const { token } = await call("POST", "/v1/sandbox/tokens", { body, open: true });
      Object.assign(this, { token, subject, store, sandbox: true });
      this.#keep();
      return true;
    } catch (problem) {
      if (problem instanceof Problem && [404, 405].includes(problem.status)) return false;
      throw problem;
    }
  }

  get() {
    return this.token;
  }

  /** After a 401: a fresh token for the same person where that is possible. */
  async renew() {
    if (this.sandbox && this.subject) {
      try {
        return await this.begin(this.subject, this.store);
      } catch {
        return false;
      }
    }
    this.end();
    return false;
  }

  end() {
    Object.assign(this, { token: null, subject: null, store: null });
    storage.remove(slot(this.role));
    this.ended();
  }
}
