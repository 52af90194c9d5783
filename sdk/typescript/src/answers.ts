import { AnswerTooLong, type ApiError, apiError, LONGEST_ANSWER } from "./errors.js";
import type { FieldError } from "./models.js";

/**
 * The error that an answer is. An answer that is no problem document, such as a proxy's page, gives what is known.
 */
export function errorFrom(status: number, headers: Headers, body: string): ApiError {
  const document = problemIn(body);
  return apiError({
    status,
    type: text(document["type"]),
    title: text(document["title"]) || PHRASES[status] || "Unexpected answer",
    detail: text(document["detail"]),
    traceId: text(document["trace_id"]) || (headers.get("X-Trace-Id") ?? ""),
    errors: fieldErrors(document["errors"]),
    retryAfter: retryAfter(headers.get("Retry-After")),
  });
}

/**
 * The body of an answer, as far as there is room for it: who answers may be hostile, and never end. Of an error that is
 * too long nothing is given, for its status says enough.
 *
 * @throws AnswerTooLong - it is a success.
 */
export async function readBytes(response: Response): Promise<Uint8Array> {
  if (typeof response.body?.getReader !== "function") {
    // No body, or a `fetch` that knows no streams.
    return new Uint8Array(await response.arrayBuffer());
  }
  const reader = response.body.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    length += read.value.length;
    if (length > LONGEST_ANSWER) {
      reader.cancel().catch(() => undefined);
      if (response.ok) {
        throw new AnswerTooLong(response.status);
      }
      return new Uint8Array();
    }
    pieces.push(read.value);
  }
  return joined(pieces, length);
}

/** The same, as text. */
export async function readText(response: Response): Promise<string> {
  return new TextDecoder().decode(await readBytes(response));
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let place = 0;
  for (const piece of pieces) {
    whole.set(piece, place);
    place += piece.length;
  }
  return whole;
}

/**
 * The seconds of a `Retry-After`, which is a number or a date (RFC 9110 section 10.2.3); undefined where it is neither.
 */
export function retryAfter(header: string | null, now: number = Date.now()): number | undefined {
  const value = header?.trim() ?? "";
  if (/^\d+$/.test(value)) {
    return Number(value);
  }
  // Date.parse makes something of almost anything; an HTTP date begins with a day's name.
  const at = /^[A-Z][a-z]+, /.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now) / 1000);
}

/** What stands in for a title where an answer has none; HTTP/2 has no reason phrases. */
const PHRASES: Readonly<Record<number, string>> = {
  400: "Bad request",
  401: "Authentication failed",
  402: "Not licensed",
  403: "Permission denied",
  404: "Not found",
  405: "Method not allowed",
  409: "Conflict",
  413: "Content too large",
  422: "Validation failed",
  429: "Too many requests",
  500: "Server error",
  502: "Bad gateway",
  503: "Service unavailable",
  504: "Gateway timeout",
};

function problemIn(body: string): Record<string, unknown> {
  try {
    const document: unknown = JSON.parse(body);
    return isRecord(document) ? document : {};
  } catch {
    return {};
  }
}

function fieldErrors(value: unknown): FieldError[] {
  const rows = Array.isArray(value) ? value.filter(isRecord) : [];
  return rows.map((row) => ({ field: text(row["field"]), code: text(row["code"]), detail: text(row["detail"]) }));
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Whether it is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
