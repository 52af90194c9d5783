/** What a secret shows wherever it would be printed. */
const HIDDEN = "[secret]";

/**
 * A value that does not print: a private key, a token, a file that holds a key.
 *
 * As text, as JSON, in template strings, logs and Node's inspector it is `[secret]`. Only {@link Secret.reveal} gives
 * what it holds.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** What it holds. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  get [Symbol.toStringTag](): string {
    return "Secret";
  }

  /** How `console.log` and `util.inspect` of Node show it. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return HIDDEN;
  }
}

/** What is taken wherever a secret is sent. */
export type SecretInput = string | Secret;

/**
 * The text of a secret.
 *
 * A program that loads this package both with `import` and with `require` has two classes of this name, so it is not
 * the class that counts.
 */
export function reveal(value: SecretInput): string {
  return typeof value === "string" ? value : value.reveal();
}
