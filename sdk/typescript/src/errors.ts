import type { AcmeOrderDetail, FieldError, RequestItem } from "./models.js";

/**
 * Whatever goes wrong in a call, but a mistake in its arguments (`TypeError`), and its end by a signal (whose reason is
 * thrown).
 */
export class ChanceryError extends Error {
  static {
    this.prototype.name = "ChanceryError";
  }
}

/** There was no answer: no connection, it broke, or it took too long. `cause` says more. */
export class ConnectionFailed extends ChanceryError {
  static {
    this.prototype.name = "ConnectionFailed";
  }

  /** Whether the server may have got the request, and done what it says. */
  readonly mayHaveActed: boolean;
  /** Whether every other attempt would fail in the same way: the server's certificate is not believed. */
  readonly isHopeless: boolean;

  constructor(message: string, fate: { cause?: unknown; mayHaveActed?: boolean; isHopeless?: boolean } = {}) {
    super(message, { cause: fate.cause });
    this.mayHaveActed = fate.mayHaveActed ?? true;
    this.isHopeless = fate.isHopeless ?? false;
  }
}

/** The certificate is not there yet: what was asked for was filed, and waits for an approval or for a public CA. */
export class NotYetIssued extends ChanceryError {
  static {
    this.prototype.name = "NotYetIssued";
  }

  /** The request that waits to be approved; followed by `client.requests.get`. */
  readonly request: RequestItem | undefined;
  /** Or the order at a public CA; followed by `client.acmeOrders.get`. */
  readonly order: AcmeOrderDetail | undefined;

  constructor(filed: { readonly request: RequestItem } | { readonly order: AcmeOrderDetail }) {
    super(
      "request" in filed
        ? `The certificate waits for approval: request ${filed.request.id}`
        : `The certificate has been ordered at a public CA: order ${filed.order.id}`,
    );
    this.request = "request" in filed ? filed.request : undefined;
    this.order = "order" in filed ? filed.order : undefined;
  }

  /** What was filed: the one or the other. */
  get filed(): RequestItem | AcmeOrderDetail {
    return (this.request ?? this.order)!;
  }
}

/** What is known of an answer that is an error (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly traceId?: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfter?: number;
}

/** The server answered that it did not do it. There is a subclass for each status that programs tell apart. */
export class ApiError extends ChanceryError {
  static {
    this.prototype.name = "ApiError";
  }

  readonly status: number;
  /** The address of the page that explains this kind of problem; empty where the answer was none of the API's own. */
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  /** The number under which the server's log knows the request. */
  readonly traceId: string;
  /** Every field that is wrong. */
  readonly errors: readonly FieldError[];
  /** For how many seconds the server wants to be left alone. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem) {
    super(describe(problem));
    this.status = problem.status;
    this.type = problem.type ?? "";
    this.title = problem.title ?? "";
    this.detail = problem.detail ?? "";
    this.traceId = problem.traceId ?? "";
    this.errors = problem.errors ?? [];
    this.retryAfter = problem.retryAfter;
  }

  /** The last word of `type`, such as `template-not-found`: what kind of problem it is, for programs. */
  get code(): string {
    return this.type.slice(this.type.lastIndexOf("/") + 1);
  }
}

/** 400: the request makes no sense. */
export class BadRequest extends ApiError {
  static {
    this.prototype.name = "BadRequest";
  }
}

/** 401: no credential, or none that is good; or a refresh token that is not taken any more. */
export class AuthenticationFailed extends ApiError {
  static {
    this.prototype.name = "AuthenticationFailed";
  }
}

/** 402: the licence does not cover it. */
export class NotLicensed extends ApiError {
  static {
    this.prototype.name = "NotLicensed";
  }
}

/** 403: not allowed. */
export class PermissionDenied extends ApiError {
  static {
    this.prototype.name = "PermissionDenied";
  }
}

/** 404: not there, or not yours. */
export class NotFound extends ApiError {
  static {
    this.prototype.name = "NotFound";
  }
}

/** 409: contradicts what is there. */
export class Conflict extends ApiError {
  static {
    this.prototype.name = "Conflict";
  }
}

/** 422: fields are wrong; `errors` names each of them. */
export class ValidationFailed extends ApiError {
  static {
    this.prototype.name = "ValidationFailed";
  }
}

/** 429: too many requests; `retryAfter` says when to come back. */
export class RateLimited extends ApiError {
  static {
    this.prototype.name = "RateLimited";
  }
}

/** 5xx: the server cannot, now or at all. */
export class ServerError extends ApiError {
  static {
    this.prototype.name = "ServerError";
  }
}

/** An answer of success that is not in the documented form: perhaps it is not from a Chancery server. */
export class UnexpectedAnswer extends ApiError {
  static {
    this.prototype.name = "UnexpectedAnswer";
  }
}

/** A success, or a line of one, that is longer than {@link LONGEST_ANSWER}: it was not read to its end. */
export class AnswerTooLong extends UnexpectedAnswer {
  static {
    this.prototype.name = "AnswerTooLong";
  }

  constructor(status: number) {
    const detail = `It is longer than ${LONGEST_ANSWER / 1024 / 1024} MiB, and was not read to its end.`;
    super({ status, title: "The answer is too long", detail });
  }
}

/** Bytes that are held in memory of one answer, or of one line of a streamed one. No server of ours comes near. */
export const LONGEST_ANSWER = 64 * 1024 * 1024;

const BY_STATUS: ReadonlyMap<number, new (problem: Problem) => ApiError> = new Map([
  [400, BadRequest],
  [401, AuthenticationFailed],
  [402, NotLicensed],
  [403, PermissionDenied],
  [404, NotFound],
  [409, Conflict],
  [422, ValidationFailed],
  [429, RateLimited],
]);

/** The error of the class that belongs to the status. */
export function apiError(problem: Problem): ApiError {
  const kind = BY_STATUS.get(problem.status) ?? (problem.status >= 500 ? ServerError : ApiError);
  return new kind(problem);
}

function describe({ status, title, detail, errors = [], traceId }: Problem): string {
  // The detail of an answer that names fields says the same again.
  const why = errors.map((error) => `${error.field}: ${error.detail}`).join("; ") || detail;
  const said = [title, why].filter((part) => part).join(": ");
  return `${status} ${said || "without explanation"}${traceId ? ` (trace ${traceId})` : ""}`;
}
