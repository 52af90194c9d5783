import { AuthenticationFailed } from "./errors.js";
import { reveal, Secret, type SecretInput } from "./secret.js";

/** How a token source may ask the server. */
export interface TokenContext {
  /** The address of the server. */
  readonly baseUrl: string;
  /** Whether the server may be one without TLS. */
  readonly allowInsecure: boolean;
  /** Send a request that follows no redirects, within the client's time-out. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Reply>;
}

/** An answer that has been read. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Where the tokens that a client sends come from. */
export interface TokenSource {
  /** The token to be sent now. Asked for again where it fails with a ConnectionFailed, or an ApiError that passes. */
  token(context: TokenContext): Promise<SecretInput>;

  /** The server has refused this token (401): get another one, where there may be one, for `token` to give. */
  renew?(refused: Secret, context: TokenContext): Promise<void>;
}

/** Why there is no token, and whether it may be asked for again in the same call, where `reason` is one that passes. */
export class TokenFailure {
  constructor(
    readonly reason: unknown,
    readonly isRepeatable: boolean,
  ) {}
}

/** A function that gives a token: called before each request, and once more where its token is refused. */
export type TokenFunction = () => SecretInput | Promise<SecretInput>;

/** What a client may be given as its credential. */
export type TokenInput = SecretInput | TokenFunction | TokenSource;

/** The source that a credential is. */
export function tokenSource(credential: TokenInput): TokenSource {
  if (typeof credential === "function") {
    return { token: async () => credential(), renew: async () => undefined };
  }
  if (typeof credential === "object" && "token" in credential) {
    return credential;
  }
  const fixed = new Secret(reveal(credential));
  return { token: async () => fixed };
}

/**
 * The value of the header that carries a token.
 *
 * @throws AuthenticationFailed - it cannot stand in a header. `fetch` would say so too, and print the token.
 */
export function bearer(token: Secret): string {
  const text = token.reveal();
  if (!/^[!-~]+$/.test(text)) {
    throw new AuthenticationFailed({
      status: 401,
      title: "No request was sent",
      detail: "The token is empty, or has spaces, line breaks or other characters that no token has.",
    });
  }
  return `Bearer ${text}`;
}
