/** Time and chance, as a client meets them; tests bring their own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after so many milliseconds; rejects with the signal's reason as soon as it is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** A number from 0 up to, but not including, 1. */
  random(): number;
}

/** The real ones. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) => {
    let timer: ReturnType<typeof setTimeout>;
    const slept = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
    return unlessAborted(slept, signal).finally(() => clearTimeout(timer));
  },
  random: () => Math.random(),
};

/** What the promise gives, or the signal's reason as soon as it is aborted; what was begun goes on for others. */
export function unlessAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) {
    return promise;
  }
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) {
      abort();
    }
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** A signal that aborts when the caller's does, or when nothing has happened for some time. */
export class Deadline {
  /** Whether it was the time that ended it. */
  expired = false;
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #milliseconds: number;
  readonly #abort = (): void => this.#controller.abort(this.#caller?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(milliseconds: number, caller?: AbortSignal) {
    this.#milliseconds = milliseconds;
    this.#caller = caller;
    if (caller?.aborted) {
      this.#abort();
    }
    caller?.addEventListener("abort", this.#abort, { once: true });
    this.restart();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The time begins anew. */
  restart(): void {
    this.pause();
    if (Number.isFinite(this.#milliseconds)) {
      this.#timer = setTimeout(() => {
        this.expired = true;
        this.#controller.abort();
      }, this.#milliseconds);
    }
  }

  /** The time stands still until it is begun anew. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  /** Nothing is waited for any more. */
  end(): void {
    this.pause();
    this.#caller?.removeEventListener("abort", this.#abort);
  }
}
