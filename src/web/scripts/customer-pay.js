// Paying. Each provider of the node's has an entry: whether this page can use it, and what to do with what the node prepared. The
// order is paid when the node says so, never because a provider's window closed.

import { call, path } from "./api.js";
import { app } from "./customer-app.js";

/** @type {Record<string, { usable: () => boolean, pay: (order: Order, prepay: any) => Promise<Order | null> }>} */
const PROVIDERS = {
  // What a real provider's notification would do is asked of the sandbox.
  sandbox: { usable: () => app.session.sandbox, pay: (order) => call("POST", path`/v1/sandbox/payments/${order.id}/succeed`) },
};

/** The provider to pay with on this page, or null where paying happens elsewhere. */
export function payProvider() {
  return Object.keys(PROVIDERS).find((name) => PROVIDERS[name].usable()) ?? null;
}

/** Pays; gives the order if the provider's part tells how it is then. @param {Order} order @param {string} provider */
export async function payOrder(order, provider) {
  const { prepay } = await call("POST", path`/v1/orders/${order.id}/pay`, { body: { provider } });
  return PROVIDERS[provider].pay(order, prepay);
}
