import { queryString } from "./address.js";
import { errorFrom, readText } from "./answers.js";
import { Deadline, unlessAborted, type Clock } from "./clock.js";
import { AnswerTooLong, ApiError, AuthenticationFailed, ConnectionFailed } from "./errors.js";
import { newIdempotencyKey } from "./random.js";
import { causesOf, delayBefore, fateOf, hasPerhapsActed, mayRepeat } from "./retries.js";
import { reveal, Secret } from "./secret.js";
import { bearer, TokenFailure, type Reply, type TokenContext, type TokenSource } from "./tokens.js";
import { VERSION } from "./version.js";

/** What every method takes beside its own arguments. */
export interface CallOptions {
  /** Ends the call, also while it waits to be repeated; it then fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long an attempt may take; `Infinity` for ever. */
  readonly timeoutMs?: number;
  /** How often the call is repeated where that can help; 0 for never. */
  readonly retries?: number;
}

/** What the methods take whose answers the server remembers for a day. */
export interface KeyedCallOptions extends CallOptions {
  /**
   * 1 to 255 visible ASCII characters without a comma. The same key with the same body is answered as the first time,
   * and nothing is done again. By default each call has a random one.
   */
  readonly idempotencyKey?: string;
}

/** What sends requests: the `fetch` of the runtime, or another one of its kind. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** One request, as the wire has it. */
export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api/v2`, encoded. */
  readonly path: string;
  readonly query?: Record<string, unknown>;
  readonly body?: unknown;
  /** Whether this POST is sent under a key, so that it may be sent again. */
  readonly takesKey?: boolean;
  /** What may be answered; JSON by default. */
  readonly accept?: string;
  /** How long an attempt may take where nobody says otherwise. */
  readonly timeoutMs?: number;
}

/** How a client talks to its server. */
export interface TransportSettings {
  readonly baseUrl: string;
  readonly allowInsecure: boolean;
  readonly tokens: TokenSource | undefined;
  readonly fetch: Fetch;
  readonly timeoutMs: number | undefined;
  readonly retries: number;
  readonly clock: Clock;
}

const MOUNT = "/api/v2";
const DEFAULT_TIMEOUT = 30_000;

/** An answer, and the time within which the rest of it has to come. */
interface Opened {
  readonly response: Response;
  readonly deadline: Deadline;
}

/** Sends calls: with a credential, in time, repeated where that is safe, and never anywhere else than to its server. */
export class Transport {
  readonly #settings: TransportSettings;

  constructor(settings: TransportSettings) {
    this.#settings = settings;
  }

  /** The answer with its whole body. Undefined where a repeated DELETE found nothing left to delete. */
  async send<T>(call: Call, options: CallOptions, read: (response: Response) => Promise<T>): Promise<T | undefined> {
    return this.#repeated(call, options, async (key) => {
      const { response, deadline } = await this.#open(call, options, key);
      return this.#within(deadline, options.signal, () => read(response));
    });
  }

  /** The pieces of the answer's body, each within the time of an attempt. Begun anew where it does not begin at all. */
  async *stream(call: Call, options: CallOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const opened = await this.#repeated(call, options, (key) => this.#open(call, options, key));
    const reader = opened?.response.body?.getReader();
    if (opened === undefined || reader === undefined) {
      return;
    }
    try {
      for (;;) {
        opened.deadline.restart();
        const piece = await this.#translated(opened.deadline, options.signal, () => reader.read());
        if (piece.done) {
          return;
        }
        // Whoever takes his time with a piece is not who is waited for.
        opened.deadline.pause();
        yield piece.value;
      }
    } finally {
      opened.deadline.end();
      await reader.cancel().catch(() => undefined);
    }
  }

  async #repeated<T>(
    call: Call,
    options: CallOptions,
    attempt: (key: string | undefined) => Promise<T>,
  ): Promise<T | undefined> {
    const { clock } = this.#settings;
    const key = keyOf(call, options);
    const repeatable = call.method !== "POST" || call.takesKey === true;
    const retries = options.retries ?? this.#settings.retries;
    let acted = false;
    for (let count = 1; ; count += 1) {
      try {
        options.signal?.throwIfAborted();
        return await attempt(key);
      } catch (failure) {
        const error = failure instanceof TokenFailure ? failure.reason : failure;
        if (call.method === "DELETE" && acted && error instanceof ApiError && error.status === 404) {
          return undefined;
        }
        const isRepeatable = failure instanceof TokenFailure ? failure.isRepeatable : repeatable;
        if (count > retries || !mayRepeat(error, isRepeatable)) {
          throw error;
        }
        acted ||= error === failure && hasPerhapsActed(error);
        await clock.sleep(delayBefore(count, error, clock.random()), options.signal);
      }
    }
  }

  /** An answer of success, whose body is still to come. A token that is refused is replaced once, where it can be. */
  async #open(call: Call, options: CallOptions, key: string | undefined): Promise<Opened> {
    const token = await this.#token(options.signal);
    try {
      return await this.#request(call, options, key, token);
    } catch (error) {
      const next = error instanceof AuthenticationFailed ? await this.#tokenAfter(token, options.signal) : undefined;
      if (next === undefined) {
        throw error;
      }
      return this.#request(call, options, key, next);
    }
  }

  async #request(call: Call, options: CallOptions, key: string | undefined, token?: Secret): Promise<Opened> {
    const url = this.#settings.baseUrl + MOUNT + call.path + queryString(call.query ?? {});
    const init = {
      method: call.method,
      headers: headersOf(call, key, token),
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
    };
    const timeout = options.timeoutMs ?? this.#settings.timeoutMs ?? call.timeoutMs ?? DEFAULT_TIMEOUT;
    const opened = await this.#fetch(url, init, new Deadline(timeout, options.signal), options.signal);
    if (opened.response.ok) {
      return opened;
    }
    const text = await this.#within(opened.deadline, options.signal, () => readText(opened.response));
    throw errorFrom(opened.response.status, opened.response.headers, text);
  }

  /** An answer that is no redirect: where one leads, the credential does not belong. */
  async #fetch(url: string, init: RequestInit, deadline: Deadline, signal?: AbortSignal): Promise<Opened> {
    const whole: RequestInit = {
      ...init,
      redirect: "manual",
      credentials: "omit",
      cache: "no-store",
      signal: deadline.signal,
    };
    try {
      const response = await this.#translated(deadline, signal, () => this.#settings.fetch(url, whole));
      refuseRedirect(response);
      return { response, deadline };
    } catch (error) {
      deadline.end();
      throw error;
    }
  }

  /** Do the last of what belongs to a deadline. */
  async #within<T>(deadline: Deadline, signal: AbortSignal | undefined, act: () => Promise<T>): Promise<T> {
    try {
      return await this.#translated(deadline, signal, act);
    } finally {
      deadline.end();
    }
  }

  /** What fails on the way is a ConnectionFailed, or the caller's own reason where he has ended it. */
  async #translated<T>(deadline: Deadline, signal: AbortSignal | undefined, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof AnswerTooLong) {
        throw error;
      }
      const where = new URL(this.#settings.baseUrl).origin;
      if (deadline.expired) {
        throw new ConnectionFailed(`No answer from ${where} in time`, { cause: error });
      }
      throw new ConnectionFailed(`No answer from ${where}: ${reasonOf(error)}`, { cause: error, ...fateOf(error) });
    }
  }

  async #token(signal?: AbortSignal): Promise<Secret | undefined> {
    const given = await this.#given(this.#settings.tokens?.token(this.#context()), signal);
    return given === undefined ? undefined : new Secret(reveal(given));
  }

  /** Another token than the one that was refused; undefined where there is none. */
  async #tokenAfter(refused: Secret | undefined, signal?: AbortSignal): Promise<Secret | undefined> {
    const renew = this.#settings.tokens?.renew;
    if (refused === undefined || renew === undefined) {
      return undefined;
    }
    await this.#given(renew.call(this.#settings.tokens, refused, this.#context()), signal);
    const next = await this.#token(signal);
    return next?.reveal() === refused.reveal() ? undefined : next;
  }

  /** What a token source gives; what it fails with is marked, for nothing was sent of the call itself. */
  async #given<T>(promise: Promise<T> | undefined, signal: AbortSignal | undefined): Promise<T | undefined> {
    try {
      return await (promise && unlessAborted(promise, signal));
    } catch (error) {
      throw error instanceof TokenFailure ? error : new TokenFailure(error, true);
    }
  }

  #context(): TokenContext {
    const { baseUrl, allowInsecure, timeoutMs = DEFAULT_TIMEOUT } = this.#settings;
    const fetch = async (url: string, init: RequestInit): Promise<Reply> => {
      const { response, deadline } = await this.#fetch(url, init, new Deadline(timeoutMs));
      const text = await this.#within(deadline, undefined, () => readText(response));
      return { status: response.status, headers: response.headers, text };
    };
    return { baseUrl, allowInsecure, fetch };
  }
}

/**
 * The key of all attempts; undefined where there is none.
 *
 * @throws TypeError - the caller's own is none.
 */
function keyOf(call: Call, options: KeyedCallOptions): string | undefined {
  const own = options.idempotencyKey;
  if (own !== undefined && !/^[!-+\--~]{1,255}$/.test(own)) {
    throw new TypeError("An idempotency key has 1 to 255 visible ASCII characters, and no comma.");
  }
  return own ?? (call.takesKey ? newIdempotencyKey() : undefined);
}

function headersOf(call: Call, key: string | undefined, token: Secret | undefined): Record<string, string> {
  const headers: Record<string, string> = { Accept: call.accept ?? "application/json" };
  if (call.body !== undefined) {
    headers["Content-Type"] = "application/json";
  }
  if (token !== undefined) {
    headers["Authorization"] = bearer(token);
  }
  if (key !== undefined) {
    headers["Idempotency-Key"] = key;
  }
  if (!("document" in globalThis || "WorkerGlobalScope" in globalThis)) {
    // A browser has a name of its own, and asks the server first whether another one may be sent.
    headers["User-Agent"] = `chancery-client-typescript/${VERSION}`;
  }
  return headers;
}

/** A browser does not even show where a redirect leads, and gives it no status. */
function refuseRedirect(response: Response): void {
  if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
    const target = response.headers.get("Location");
    throw new ApiError({
      status: response.status,
      title: "Redirect",
      detail: `The server redirects${target ? ` to ${target}` : ""}; redirects are not followed. Is baseUrl right?`,
    });
  }
}

/** The innermost reason: Node says "fetch failed" of everything. */
function reasonOf(error: unknown): string {
  const reason = causesOf(error).at(-1);
  return reason === undefined ? String(error) : reason.message || String((reason as { code?: unknown }).code);
}
