import { ChanceryError } from "./errors.js";

/** Where random bytes come from: browsers and newer runtimes have it ready. */
let source: Pick<Crypto, "getRandomValues"> | undefined = globalThis.crypto;

/** Take random bytes from here. Node 18 has its source in a module only, which browsers do not have. */
export function drawFrom(crypto: Pick<Crypto, "getRandomValues">): void {
  source = crypto;
}

/**
 * A key for one POST, however often it is sent. The server seals what it remembers under it, so it has 128 random bits.
 */
export function newIdempotencyKey(): string {
  if (source === undefined) {
    throw new ChanceryError("This runtime has no source of random numbers (globalThis.crypto).");
  }
  const bytes = source.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
