import { isRecord } from "./answers.js";
import { AnswerTooLong, ChanceryError, LONGEST_ANSWER } from "./errors.js";

type JsonObject = Record<string, unknown>;

/** The JSON objects of a stream that has one in each line. */
export async function* jsonLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<JsonObject, void, undefined> {
  for await (const line of lines(pieces)) {
    if (line.trim()) {
      yield parse(line);
    }
  }
}

async function* lines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let begun: string[] = [];
  let length = 0;
  for await (const piece of pieces) {
    const parts = decoder.decode(piece, { stream: true }).split("\n");
    const last = parts.pop()!;
    if (parts.length > 0) {
      yield begun.join("") + parts.shift()!;
      yield* parts;
      begun = [];
      length = 0;
    }
    begun.push(last);
    length += last.length;
    if (length > LONGEST_ANSWER) {
      throw new AnswerTooLong(200);
    }
  }
  yield begun.join("") + decoder.decode();
}

function parse(line: string): JsonObject {
  try {
    const value: unknown = JSON.parse(line);
    if (isRecord(value)) {
      return value;
    }
  } catch {
    // It is told below.
  }
  throw new ChanceryError("A line of the answer is not a JSON object: it may have been cut off.");
}
