import { errorFrom, isRecord } from "./answers.js";
import { serverAddress } from "./address.js";
import { systemClock, type Clock } from "./clock.js";
import { AuthenticationFailed, ChanceryError } from "./errors.js";
import { reveal, Secret, type SecretInput } from "./secret.js";
import { TokenFailure, type Reply, type TokenContext, type TokenSource } from "./tokens.js";

/** What an authorization server has given. */
export interface Tokens {
  readonly accessToken: Secret;
  /** Good for one refresh: used twice, it ends the consent. */
  readonly refreshToken: Secret;
  /** When the access token ends; undefined where nobody said. */
  readonly expiresAt: Date | undefined;
}

/** With what {@link OAuth} begins. */
export interface OAuthOptions {
  readonly clientId: string;
  /** Of a confidential client. */
  readonly clientSecret?: SecretInput;
  /** Without it, the first request refreshes. */
  readonly accessToken?: SecretInput;
  readonly refreshToken: SecretInput;
  readonly expiresAt?: Date;
  /**
   * Stores a new pair, before it is used. The old refresh token is worth nothing any more, and whoever uses it again
   * ends the consent: a program that may be started again has to store the new one.
   */
  readonly onRefresh?: (pair: Tokens) => void | Promise<void>;
  /** Who gives the tokens, where it is not the server's own address. */
  readonly issuer?: string;
  /** For tests. */
  readonly clock?: Clock;
}

/** So long before its end a token is replaced. */
const MARGIN = 60_000;

/**
 * OAuth tokens that are refreshed shortly before they end, and when the server refuses one. However many calls need a
 * new one, there is one refresh at a time, and all of them get what it gives.
 */
export class OAuth implements TokenSource {
  readonly #options: OAuthOptions;
  readonly #clock: Clock;
  #access: Secret | undefined;
  #refresh: Secret;
  #expiresAt: Date | undefined;
  #endpoint: string | undefined;
  #running: Promise<void> | undefined;

  constructor(options: OAuthOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#access = options.accessToken === undefined ? undefined : new Secret(reveal(options.accessToken));
    this.#refresh = new Secret(reveal(options.refreshToken));
    this.#expiresAt = options.expiresAt;
  }

  async token(context: TokenContext): Promise<Secret> {
    if (this.#access === undefined || this.#endsSoon()) {
      await this.#refreshOnce(context);
    }
    return this.#access!;
  }

  async renew(refused: Secret, context: TokenContext): Promise<void> {
    // Another call may have met the same refusal, and have a new token already.
    if (this.#access?.reveal() === refused.reveal()) {
      await this.#refreshOnce(context);
    }
  }

  #endsSoon(): boolean {
    return this.#expiresAt !== undefined && this.#expiresAt.getTime() - MARGIN <= this.#clock.now();
  }

  #refreshOnce(context: TokenContext): Promise<void> {
    this.#running ??= this.#refreshNow(context).finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #refreshNow(context: TokenContext): Promise<void> {
    this.#endpoint ??= await discover(context, this.#options.issuer);
    const form = new URLSearchParams({ grant_type: "refresh_token", client_id: this.#options.clientId });
    form.set("refresh_token", this.#refresh.reveal());
    if (this.#options.clientSecret !== undefined) {
      form.set("client_secret", reveal(this.#options.clientSecret));
    }
    const pair = this.#read(await this.#post(context, this.#endpoint, form));
    this.#access = pair.accessToken;
    this.#refresh = pair.refreshToken;
    this.#expiresAt = pair.expiresAt;
    await this.#options.onRefresh?.(pair);
  }

  /** A refresh token is good once: where the answer is lost, the same call does not send it again. */
  async #post(context: TokenContext, endpoint: string, form: URLSearchParams): Promise<Reply> {
    const headers = { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" };
    try {
      return await context.fetch(endpoint, { method: "POST", headers, body: form.toString() });
    } catch (error) {
      throw new TokenFailure(error, false);
    }
  }

  /** The pair that came. A server that gives no new refresh token lets the old one stand (RFC 6749 section 6). */
  #read(reply: Reply): Tokens {
    const answer = parsed(reply.text);
    if (reply.status !== 200) {
      throw new TokenFailure(refusal(reply, answer), false);
    }
    const { access_token: access, refresh_token: refresh, expires_in: seconds } = answer;
    if (typeof access !== "string") {
      throw new ChanceryError("The authorization server answers without an access token.");
    }
    return {
      accessToken: new Secret(access),
      refreshToken: typeof refresh === "string" ? new Secret(refresh) : this.#refresh,
      expiresAt: typeof seconds === "number" ? new Date(this.#clock.now() + seconds * 1000) : undefined,
    };
  }
}

/** Where tokens are given, as the authorization server's metadata says (RFC 8414). */
async function discover(context: TokenContext, issuer: string = context.baseUrl): Promise<string> {
  const { origin, pathname } = new URL(serverAddress(issuer, context.allowInsecure));
  const place = `${origin}/.well-known/oauth-authorization-server${pathname === "/" ? "" : pathname}`;
  const reply = await context.fetch(place, { method: "GET", headers: { Accept: "application/json" } });
  if (reply.status !== 200) {
    throw errorFrom(reply.status, reply.headers, reply.text);
  }
  const metadata = parsed(reply.text);
  // What calls itself otherwise may be somebody else's (section 3.3).
  if (metadata["issuer"] !== issuer.replace(/\/$/, "") && metadata["issuer"] !== issuer) {
    throw new ChanceryError(`${origin} calls itself ${metadata["issuer"]}. If that is right, give it as issuer.`);
  }
  return serverAddress(String(metadata["token_endpoint"]), context.allowInsecure);
}

/** The error of a token endpoint (RFC 6749 section 5.2); where it is none of its words, whatever else it is. */
function refusal(reply: Reply, answer: Record<string, unknown>): ChanceryError {
  if (typeof answer["error"] !== "string" || reply.status >= 429) {
    return errorFrom(reply.status, reply.headers, reply.text);
  }
  const description = answer["error_description"];
  return new AuthenticationFailed({
    status: reply.status,
    title: "The access token cannot be refreshed",
    detail: typeof description === "string" ? `${answer["error"]}: ${description}` : answer["error"],
  });
}

function parsed(text: string): Record<string, unknown> {
  try {
    const document: unknown = JSON.parse(text);
    return isRecord(document) ? document : {};
  } catch {
    return {};
  }
}
