import { ApiError, ConnectionFailed } from "./errors.js";

/** How often a call is repeated where nobody says otherwise. */
export const DEFAULT_RETRIES = 4;

const FIRST_DELAY = 500;
const LONGEST_DELAY = 8_000;
const LONGEST_RETRY_AFTER = 60_000;
const PASSING: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
const STILL_RUNNING = "idempotency-in-progress";

/** Whether the same call may be sent again after this error. */
export function mayRepeat(error: unknown, repeatable: boolean): boolean {
  if (error instanceof ConnectionFailed) {
    return !error.isHopeless && (repeatable || !error.mayHaveActed);
  }
  if (!(error instanceof ApiError) || (error.retryAfter ?? 0) * 1000 > LONGEST_RETRY_AFTER) {
    return false;
  }
  // A request that was counted out, or whose first copy still runs, has done nothing.
  const undone = error.status === 429 || (error.status === 409 && error.code === STILL_RUNNING);
  return undone || (repeatable && PASSING.has(error.status));
}

/** Whether the call that ended so may have been carried out all the same. */
export function hasPerhapsActed(error: unknown): boolean {
  return error instanceof ConnectionFailed ? error.mayHaveActed : error instanceof ApiError && error.status >= 500;
}

/**
 * For how many milliseconds to wait before the next attempt: as long as the server asks, or else a random part of a
 * time that doubles ("full jitter"), so that those who failed together do not come back together.
 */
export function delayBefore(attempt: number, error: unknown, random: number): number {
  if (error instanceof ApiError && error.retryAfter !== undefined) {
    return error.retryAfter * 1000;
  }
  return random * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (attempt - 1));
}

/** What Node and its relatives call it when no connection came about; browsers do not say. */
const NEVER_CONNECTED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** What they call it when the server's certificate is not believed. */
const NOT_BELIEVED = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_)/;

/** What is known of a request without an answer: whether it may have arrived, and whether the next would fare alike. */
export function fateOf(error: unknown): { readonly mayHaveActed: boolean; readonly isHopeless: boolean } {
  const codes = causesOf(error).map((cause) => String((cause as { code?: unknown }).code));
  const isHopeless = codes.some((code) => NOT_BELIEVED.test(code));
  return { isHopeless, mayHaveActed: !isHopeless && !codes.some((code) => NEVER_CONNECTED.test(code)) };
}

/** An error, its cause, the cause of that, and so on. */
export function causesOf(error: unknown): Error[] {
  const found: Error[] = [];
  for (let cause = error; cause instanceof Error && !found.includes(cause); cause = cause.cause) {
    found.push(cause);
  }
  return found;
}
