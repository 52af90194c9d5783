import { isRecord, readBytes, readText } from "./answers.js";
import { decode, type Shape } from "./coder.js";
import { NotYetIssued, UnexpectedAnswer } from "./errors.js";
import { jsonLines } from "./lines.js";
import type { AcmeOrderDetail, RequestItem } from "./models.js";
import { Pager, type Page } from "./pager.js";
import type { Call, CallOptions, Transport } from "./transport.js";

/** What a 202 may carry in place of what was asked for. */
export interface Filed {
  readonly request?: Shape;
  readonly order?: Shape;
}

/** A call, and what it may leave waiting. */
export interface FilingCall extends Call {
  readonly filed?: Filed;
}

/** Calls, and their answers as models. */
export class Api {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** An answer that is a model. */
  async model<T>(call: FilingCall, shape: Shape, options: CallOptions = {}): Promise<T> {
    const answer = await this.#transport.send(call, options, readAnswer);
    const document = answer && parse(answer);
    if (call.filed !== undefined && answer?.status === 202) {
      throw filedAs(call.filed, document);
    }
    return decode(shape, document) as T;
  }

  /** A call that answers nothing. */
  async nothing(call: Call, options: CallOptions = {}): Promise<void> {
    await this.#transport.send(call, options, readBytes);
  }

  /** An answer that is a file. */
  async bytes(call: Call, options: CallOptions = {}): Promise<Uint8Array> {
    return (await this.#transport.send(call, options, readBytes))!;
  }

  /** An answer that is text. */
  async text(call: Call, options: CallOptions = {}): Promise<string> {
    return (await this.#transport.send(call, options, readAnswer))!.text;
  }

  /** An answer of which each line is a JSON object, given as they come. */
  lines(call: Call, options: CallOptions = {}): AsyncIterable<Record<string, unknown>> {
    return jsonLines(this.#transport.stream(call, options));
  }

  /** A list, read page by page. */
  list<T>(call: Call, shape: Shape, options: CallOptions = {}): Pager<T> {
    return new Pager(async (cursor) => {
      const query = cursor === undefined ? call.query : { ...call.query, cursor };
      const answer = await this.#transport.send({ ...call, query }, options, readAnswer);
      return pageOf<T>(answer!, shape);
    });
  }
}

/** What the resources of a client have in common. */
export abstract class Resource {
  constructor(protected readonly api: Api) {}
}

/** An answer that has been read to its end. */
interface TextAnswer {
  readonly status: number;
  readonly text: string;
}

async function readAnswer(response: Response): Promise<TextAnswer> {
  return { status: response.status, text: await readText(response) };
}

function parse({ status, text }: TextAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unexpected(status, "The answer is not JSON. Is baseUrl the address of a Chancery server?");
  }
}

function pageOf<T>(answer: TextAnswer, shape: Shape): Page<T> {
  const document = parse(answer);
  const { data, pagination } = isRecord(document) ? document : { data: undefined, pagination: undefined };
  if (!Array.isArray(data) || !isRecord(pagination)) {
    throw unexpected(answer.status, "The answer is not a page of a list.");
  }
  const { next_cursor: next, total } = pagination;
  return {
    items: data.map((item) => decode(shape, item) as T),
    total: typeof total === "number" ? total : undefined,
    totalIsEstimate: pagination["total_is_estimate"] === true,
    nextCursor: typeof next === "string" ? next : undefined,
  };
}

function unexpected(status: number, detail: string): UnexpectedAnswer {
  return new UnexpectedAnswer({ status, title: "Unexpected answer", detail });
}

/** What was filed: that of which the answer has more fields. */
function filedAs({ request, order }: Filed, document: unknown): NotYetIssued {
  const names = isRecord(document) ? document : {};
  const known = (shape: Shape): number => Object.values(shape.fields).filter(([name]) => name in names).length;
  if (order !== undefined && (request === undefined || known(order) > known(request))) {
    return new NotYetIssued({ order: decode(order, document) as AcmeOrderDetail });
  }
  return new NotYetIssued({ request: decode(request!, document) as RequestItem });
}
