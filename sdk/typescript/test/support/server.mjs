// A server that answers what a test tells it to, and remembers what it was asked.
import { createServer } from "node:http";

/**
 * Answer requests, one after the other, with what `answers` has: `{status, headers, body}`, where a body that is no
 * text is sent as JSON; `"drop"` closes the connection without an answer; a function is given the request and gives one
 * of these. The last one is for all that follow.
 */
export async function serve(t, ...answers) {
  const asked = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks).toString();
    asked.push({ method: request.method, url: request.url, headers: request.headers, body });
    const next = answers[Math.min(asked.length, answers.length) - 1];
    const answer = typeof next === "function" ? await next(asked.at(-1), response) : next;
    send(answer, request, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  t.after(close);
  return { url: `http://127.0.0.1:${port}`, asked, close };
}

function send(answer, request, response) {
  if (answer === "drop") {
    request.socket.destroy();
    return;
  }
  if (answer === undefined) {
    return;
  }
  const { status = 200, headers = {}, body = "" } = answer;
  const isText = typeof body === "string" || body instanceof Uint8Array;
  response.writeHead(status, { "Content-Type": isText ? "text/plain" : "application/json", ...headers });
  response.end(isText ? body : JSON.stringify(body));
}

/** A problem document as the API sends it. */
export function problem(status, members = {}) {
  const { headers, ...rest } = members;
  const body = {
    type: `https://pki.example.com/developers/errors/${rest.code ?? "some-problem"}`,
    title: "Some problem",
    status,
    detail: "Something is not as it should be.",
    instance: "/api/v2/x",
    trace_id: "01J5Z3N8Q0V4T6X8Y9ABCDEFGH",
    ...rest,
  };
  return { status, headers: { "Content-Type": "application/problem+json", ...headers }, body };
}

/** A clock that stands still, notes how long it was to sleep, and draws the same number each time. */
export function clock({ random = 1, now = Date.parse("2026-01-15T08:00:00Z") } = {}) {
  const slept = [];
  return {
    slept,
    now: () => now,
    random: () => random,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      slept.push(milliseconds);
    },
  };
}

/** An answer to an issuance, as the wire has it. */
export const ISSUED = {
  id: "7d1f",
  serial: "3F:A1",
  subject: { common_name: "www.example.com", organization: "Example Ltd" },
  sans: ["www.example.com"],
  status: "issued",
  not_before: "2026-01-15T08:00:00Z",
  not_after: "2026-04-15T08:00:00Z",
  pki: { id: "c1", name: "Issuing", type: "internal" },
  template: null,
  organization_id: "o1",
  key_algorithm: "ECDSA_P256",
  private_key: "-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----\n",
  delivery: null,
  not_known_yet: { some_thing: 1 },
};
