import assert from "node:assert/strict";
import { test } from "node:test";

import { ChanceryClient, Conflict, ConnectionFailed, NotFound, RateLimited, ServerError } from "@chancery/client";

import { clock, ISSUED, problem, serve } from "./support/server.mjs";

const ORDER = { templateCode: "web", commonName: "www.example.com" };

function clientOf(server, options = {}) {
  return new ChanceryClient({ baseUrl: server.url, apiKey: "pkf_key", clock: clock(), ...options });
}

for (const status of [429, 500, 502, 503, 504]) {
  test(`a ${status} is tried again`, async (t) => {
    const server = await serve(t, problem(status), { status: 201, body: ISSUED });
    assert.equal((await clientOf(server).certificates.issue(ORDER)).serial, "3F:A1");
    assert.equal(server.asked.length, 2);
  });
}

for (const status of [400, 401, 403, 404, 409, 410, 422, 501]) {
  test(`a ${status} is not tried again`, async (t) => {
    const server = await serve(t, problem(status));
    await assert.rejects(clientOf(server).certificates.issue(ORDER), { status });
    assert.equal(server.asked.length, 1);
  });
}

test("all attempts at a POST have one key, and another POST has another", async (t) => {
  const server = await serve(t, "drop", problem(503), { status: 201, body: ISSUED });
  const client = clientOf(server);
  await client.certificates.issue(ORDER);
  await client.certificates.issue(ORDER);
  const keys = server.asked.map((request) => request.headers["idempotency-key"]);
  assert.match(keys[0], /^[0-9a-f]{32}$/);
  assert.deepEqual(keys, [keys[0], keys[0], keys[0], keys[3]]);
  assert.notEqual(keys[0], keys[3]);
});

test("a caller's own key is sent", async (t) => {
  const server = await serve(t, { status: 201, body: ISSUED });
  await clientOf(server).certificates.issue(ORDER, { idempotencyKey: "order-4711" });
  assert.equal(server.asked[0].headers["idempotency-key"], "order-4711");
});

test("a key that cannot be one is told before anything is sent", async (t) => {
  const server = await serve(t, { status: 201, body: ISSUED });
  for (const idempotencyKey of ["", "a,b", "a b", "é", "x".repeat(256)]) {
    await assert.rejects(clientOf(server).certificates.issue(ORDER, { idempotencyKey }), TypeError);
  }
  assert.equal(server.asked.length, 0);
});

test("a GET has no key", async (t) => {
  const server = await serve(t, { body: ISSUED });
  await clientOf(server).certificates.get("7d1f");
  assert.equal(server.asked[0].headers["idempotency-key"], undefined);
});

test("a batch that is too large for a key has none, and is not sent twice", async (t) => {
  const server = await serve(t, "drop");
  const rows = Array.from({ length: 251 }, (_, row) => ({ commonName: `${row}.example.com` }));
  await assert.rejects(clientOf(server).certificates.issueBatch({ templateCode: "web", rows }), ConnectionFailed);
  assert.equal(server.asked.length, 1);
  assert.equal(server.asked[0].headers["idempotency-key"], undefined);
});

test("nor a revocation that goes to a public CA; others may be sent twice", async (t) => {
  const server = await serve(t, "drop");
  const client = clientOf(server);
  await assert.rejects(client.certificates.revoke("7d1f", { upstream: true }), ConnectionFailed);
  assert.equal(server.asked.length, 1);
  await assert.rejects(client.certificates.revoke("7d1f"), ConnectionFailed);
  assert.equal(server.asked.length, 6);
});

test("a first request that still runs is waited for", async (t) => {
  const running = problem(409, { code: "idempotency-in-progress", headers: { "Retry-After": "1" } });
  const server = await serve(t, running, { status: 201, body: ISSUED });
  const time = clock();
  await clientOf(server, { clock: time }).certificates.issue(ORDER);
  assert.deepEqual(time.slept, [1000]);
});

test("another conflict is not", async (t) => {
  const server = await serve(t, problem(409, { code: "idempotency-conflict" }));
  await assert.rejects(clientOf(server).certificates.issue(ORDER), Conflict);
  assert.equal(server.asked.length, 1);
});

test("the wait doubles from half a second to eight, and five attempts are all", async (t) => {
  const server = await serve(t, problem(503));
  const time = clock();
  await assert.rejects(clientOf(server, { clock: time }).certificates.get("x"), ServerError);
  assert.deepEqual(time.slept, [500, 1000, 2000, 4000]);
  assert.equal(server.asked.length, 5);
});

test("the wait is a random part of that, at most eight seconds", async (t) => {
  const server = await serve(t, problem(503));
  const time = clock({ random: 0.5 });
  await assert.rejects(clientOf(server, { clock: time, retries: 6 }).certificates.get("x"), ServerError);
  assert.deepEqual(time.slept, [250, 500, 1000, 2000, 4000, 4000]);
});

test("no retries where none are wanted, for a client or a call", async (t) => {
  const server = await serve(t, problem(503));
  await assert.rejects(clientOf(server, { retries: 0 }).certificates.get("x"), ServerError);
  await assert.rejects(clientOf(server).certificates.get("x", { retries: 0 }), ServerError);
  assert.equal(server.asked.length, 2);
});

test("Retry-After is obeyed in seconds and as a date", async (t) => {
  const soon = new Date(Date.now() + 20_000).toUTCString();
  const server = await serve(
    t,
    problem(429, { headers: { "Retry-After": "7" } }),
    problem(503, { headers: { "Retry-After": soon } }),
    { body: ISSUED },
  );
  const time = clock();
  await clientOf(server, { clock: time }).certificates.get("x");
  assert.equal(time.slept[0], 7000);
  assert.ok(time.slept[1] > 15_000 && time.slept[1] <= 20_000, `${time.slept[1]}`);
});

test("who is to wait for more than a minute is told so", async (t) => {
  const server = await serve(t, problem(429, { headers: { "Retry-After": "61" } }));
  const time = clock();
  const call = clientOf(server, { clock: time }).certificates.get("x");
  await assert.rejects(call, { name: "RateLimited", retryAfter: 61 });
  assert.deepEqual(time.slept, []);
});

test("a POST that the server does not remember is not sent again after its answer was lost", async (t) => {
  const server = await serve(t, "drop");
  await assert.rejects(clientOf(server).placements.check("p1"), ConnectionFailed);
  assert.equal(server.asked.length, 1);
  assert.equal(server.asked[0].headers["idempotency-key"], undefined);
});

test("nor after a 503, but after a 429", async (t) => {
  const server = await serve(t, problem(429), problem(503));
  await assert.rejects(clientOf(server).placements.check("p1"), ServerError);
  assert.equal(server.asked.length, 2);
});

test("it is sent again where no connection was made", async (t) => {
  const server = await serve(t, { body: {} });
  await server.close();
  const time = clock();
  const call = clientOf(server, { clock: time }).placements.check("p1");
  await assert.rejects(call, { name: "ConnectionFailed", mayHaveActed: false });
  assert.equal(time.slept.length, 4);
});

test("a DELETE that is sent again and finds nothing has succeeded", async (t) => {
  const server = await serve(t, "drop", problem(404));
  assert.equal(await clientOf(server).roles.delete("r1"), undefined);
  assert.equal(server.asked.length, 2);
});

test("a DELETE that finds nothing has failed, also after one that was counted out", async (t) => {
  const first = await serve(t, problem(404));
  await assert.rejects(clientOf(first).roles.delete("r1"), NotFound);
  const second = await serve(t, problem(429), problem(404));
  await assert.rejects(clientOf(second).roles.delete("r1"), NotFound);
});

test("a call ends while it waits, with the signal's reason", async (t) => {
  const server = await serve(t, problem(503, { headers: { "Retry-After": "50" } }));
  const controller = new AbortController();
  const reason = new Error("enough");
  const client = new ChanceryClient({ baseUrl: server.url, apiKey: "k" });
  const call = client.certificates.get("x", { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 50);
  await assert.rejects(call, (error) => error === reason);
  assert.equal(server.asked.length, 1);
});

test("a call ends while it is answered, and is not repeated", async (t) => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const server = await serve(t, () => controller.abort(reason));
  const call = clientOf(server).certificates.get("x", { signal: controller.signal });
  await assert.rejects(call, (error) => error === reason);
  assert.equal(server.asked.length, 1);
});

test("a call with a signal that is aborted already sends nothing", async (t) => {
  const server = await serve(t, { body: ISSUED });
  await assert.rejects(clientOf(server).certificates.get("x", { signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(server.asked.length, 0);
});

test("an answer that takes too long is a failure, and asked for again", async (t) => {
  const server = await serve(t, () => undefined, { body: ISSUED });
  const found = await clientOf(server, { timeoutMs: 60 }).certificates.get("7d1f");
  assert.equal(found.id, "7d1f");
  await assert.rejects(
    clientOf(await serve(t, () => undefined), { timeoutMs: 30, retries: 0 }).certificates.get("x"),
    { name: "ConnectionFailed", message: /in time/, mayHaveActed: true },
  );
});

test("an answer that breaks off is asked for again", async (t) => {
  const broken = (_request, response) => {
    response.writeHead(200, { "Content-Length": "1000" });
    response.write("{");
    setTimeout(() => response.destroy(), 10);
  };
  const server = await serve(t, broken, { body: ISSUED });
  assert.equal((await clientOf(server).certificates.get("7d1f")).id, "7d1f");
  assert.equal(server.asked.length, 2);
});

test("a limit that lasts is an error of its own", async (t) => {
  const server = await serve(t, problem(429, { headers: { "Retry-After": "2" } }));
  await assert.rejects(clientOf(server).certificates.get("x"), RateLimited);
});
