import { serverAddress } from "./address.js";
import { Api } from "./api.js";
import { systemClock, type Clock } from "./clock.js";
import type { OAuth } from "./oauth.js";
import { Resources } from "./resources/index.js";
import { DEFAULT_RETRIES } from "./retries.js";
import type { SecretInput } from "./secret.js";
import { tokenSource, type TokenInput, type TokenSource } from "./tokens.js";
import { Transport, type Fetch } from "./transport.js";

/** How a {@link ChanceryClient} finds its server, and shows who it is. */
export interface ClientOptions {
  /** The address of the server, such as `https://pki.example.com`. */
  readonly baseUrl: string;
  /** An API key: `pkf_…` or `cm_…`. */
  readonly apiKey?: SecretInput;
  /** In place of a key: a token, a function that gives one before each request, or a source of tokens. */
  readonly token?: TokenInput;
  /** In place of a key: tokens that a person has let an application have. */
  readonly oauth?: OAuth;
  /** How long an attempt may take: 30 seconds by default, longer for downloads and batches. */
  readonly timeoutMs?: number;
  /** How often a call is repeated where that can help: 4 times by default, 0 for never. */
  readonly retries?: number;
  /** Whether credentials may go to a server without TLS that is not on this machine. */
  readonly allowInsecure?: boolean;
  /** What sends requests in place of the runtime's `fetch`, such as one that shows a client certificate. */
  readonly fetch?: Fetch;
  /** For tests. */
  readonly clock?: Clock;
}

/**
 * A Chancery server. Its resources are properties:
 *
 *     const client = new ChanceryClient({ baseUrl: "https://pki.example.com", apiKey: process.env.CHANCERY_API_KEY! });
 *     const certificate = await client.certificates.issue({ templateCode: "web-tls", commonName: "www.example.com" });
 *
 * Every method fails with a {@link ChanceryError}, or with the reason of the `signal` it was given.
 */
export class ChanceryClient extends Resources {
  /**
   * @throws TypeError - the address is none, or not https; there are two credentials, or one is undefined or empty.
   */
  constructor(options: ClientOptions) {
    super(
      new Api(
        new Transport({
          baseUrl: serverAddress(options.baseUrl, options.allowInsecure ?? false),
          allowInsecure: options.allowInsecure ?? false,
          tokens: credentialOf(options),
          fetch: options.fetch ?? ((url, init) => fetch(url, init)),
          timeoutMs: options.timeoutMs,
          retries: options.retries ?? DEFAULT_RETRIES,
          clock: options.clock ?? systemClock,
        }),
      ),
    );
  }
}

function credentialOf(options: ClientOptions): TokenSource | undefined {
  const given = (["apiKey", "token", "oauth"] as const).filter((name) => name in options);
  if (given.length > 1) {
    throw new TypeError("Give one of apiKey, token and oauth.");
  }
  const name = given[0];
  if (name === undefined) {
    return undefined;
  }
  const credential = options[name];
  if (credential === undefined || credential === "") {
    throw new TypeError(`${name} is ${credential === "" ? "empty" : "undefined"}: is the environment variable set?`);
  }
  return tokenSource(credential);
}
