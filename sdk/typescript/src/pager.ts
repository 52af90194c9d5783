import { ChanceryError } from "./errors.js";

/** A part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** How many there are in all. */
  readonly total: number | undefined;
  /** Whether there may be more than `total`: the server counts so far and no further. */
  readonly totalIsEstimate: boolean;
  /** Undefined on the last page. */
  readonly nextCursor: string | undefined;
}

/**
 * All items of a list, fetched page by page as they are asked for:
 *
 *     for await (const certificate of client.certificates.list()) …
 *
 * Each loop begins at the beginning.
 */
export class Pager<T> implements AsyncIterable<T> {
  readonly #fetch: (cursor: string | undefined) => Promise<Page<T>>;

  constructor(fetch: (cursor: string | undefined) => Promise<Page<T>>) {
    this.#fetch = fetch;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) {
      yield* page.items;
    }
  }

  /** The same, page by page. */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    let cursor: string | undefined;
    do {
      const page: Page<T> = await this.#fetch(cursor);
      yield page;
      if (cursor !== undefined && page.nextCursor === cursor) {
        throw new ChanceryError("The server gives the same page again and again.");
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }

  /** How many items there are in all, as the first page says. */
  async total(): Promise<number | undefined> {
    return (await this.#fetch(undefined)).total;
  }

  /** All items at once, or the first of them. */
  async toArray(atMost: number = Infinity): Promise<T[]> {
    const items: T[] = [];
    if (atMost <= 0) {
      return items;
    }
    for await (const item of this) {
      items.push(item);
      if (items.length >= atMost) {
        break;
      }
    }
    return items;
  }
}
