import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { ChanceryClient, NotYetIssued, Secret } from "@chancery/client";

import { clock, ISSUED, problem, serve } from "./support/server.mjs";

function clientOf(server, options = {}) {
  return new ChanceryClient({ baseUrl: server.url, apiKey: "pkf_key", clock: clock(), ...options });
}

test("an answer has this language's names, times and secrets, and nothing that is not known", async (t) => {
  const server = await serve(t, { status: 201, body: ISSUED });
  const issued = await clientOf(server).certificates.issue({ templateCode: "web" });
  assert.deepEqual(issued.notAfter, new Date("2026-04-15T08:00:00Z"));
  assert.equal(issued.keyAlgorithm, "ECDSA_P256");
  assert.deepEqual(issued.pki, { id: "c1", name: "Issuing", type: "internal" });
  assert.equal(issued.template, null);
  assert.equal(issued.privateKey.reveal(), ISSUED.private_key);
  assert.ok(!("notKnownYet" in issued) && !("not_known_yet" in issued));
});

test("the keys of free-form maps are data, both ways", async (t) => {
  const server = await serve(t, { status: 201, body: ISSUED });
  const subject = { common_name: "www.example.com", organizational_unit: ["a", "b"] };
  const issued = await clientOf(server).certificates.issue({ templateCode: "web", subject });
  assert.deepEqual(JSON.parse(server.asked[0].body), { template_code: "web", subject });
  assert.deepEqual(issued.subject, ISSUED.subject);
});

test("what is sent has the wire's names, at every depth", async (t) => {
  const server = await serve(t, { status: 201, body: { token: "pkf_new", expires_at: null } });
  await clientOf(server).apiKeys.create({
    name: "ci",
    expiresAt: new Date("2027-01-01T00:00:00Z"),
    grants: [{ pkiId: "c1", canIssue: true }],
  });
  assert.deepEqual(JSON.parse(server.asked[0].body), {
    name: "ci",
    expires_at: "2027-01-01T00:00:00.000Z",
    grants: [{ pki_id: "c1", can_issue: true }],
  });
});

test("undefined is not sent, null and false are", async (t) => {
  const server = await serve(t, { body: {} });
  await clientOf(server).cas.update("c1", { description: undefined, requiresApproval: false, baseUrl: null });
  assert.equal(server.asked[0].body, '{"requires_approval":false,"base_url":null}');
});

test("a property that there is not is told before anything is sent", async (t) => {
  const server = await serve(t, { body: {} });
  const client = clientOf(server);
  await assert.rejects(client.certificates.issue({ template_code: "web" }), {
    name: "TypeError",
    message: 'IssueRequest has no property "template_code"',
  });
  await assert.rejects(client.certificates.issue({ templateCode: "web", toString: 1 }), TypeError);
  assert.throws(() => client.certificates.list({ stauts: "issued" }), TypeError);
  assert.equal(server.asked.length, 0);
});

test("a body that may be absent is absent", async (t) => {
  const server = await serve(t, { status: 201, body: ISSUED });
  await clientOf(server).certificates.renew("7d1f");
  assert.equal(server.asked[0].body, "");
  assert.equal(server.asked[0].headers["content-type"], undefined);
});

test("secrets are taken as text and as Secret", async (t) => {
  const server = await serve(t, { body: {} });
  const client = clientOf(server);
  await client.cas.createCsr("c1", { passphrase: "a" });
  await client.cas.createCsr("c1", { passphrase: new Secret("b") });
  assert.deepEqual(server.asked.map((each) => each.body), ['{"passphrase":"a"}', '{"passphrase":"b"}']);
});

test("a secret shows itself nowhere", async (t) => {
  const server = await serve(t, { status: 201, body: ISSUED });
  const issued = await clientOf(server).certificates.issue({ templateCode: "web" });
  const { privateKey } = issued;
  const shown = [`${privateKey}`, privateKey + "", JSON.stringify(issued), inspect(issued, { showHidden: true })];
  for (const text of shown) {
    assert.match(text, /\[secret\]/);
    assert.doesNotMatch(text, /PRIVATE KEY/);
  }
});

test("a client does not show its key", () => {
  const client = new ChanceryClient({ baseUrl: "https://pki.example.com", apiKey: "pkf_hidden" });
  assert.doesNotMatch(inspect(client, { depth: null, showHidden: true }), /hidden/);
  assert.doesNotMatch(JSON.stringify(client), /hidden/);
});

test("an identifier stays one segment of the path", async (t) => {
  const server = await serve(t, { body: ISSUED });
  const client = clientOf(server);
  await client.certificates.get("b?c#d%");
  assert.equal(server.asked[0].url, "/api/v2/certificates/b%3Fc%23d%25");
  for (const id of ["", ".", "..", "a/renewal", "..\\a", undefined]) {
    await assert.rejects(client.certificates.get(id), TypeError);
  }
  assert.equal(server.asked.length, 1);
});

test("a query has the wire's names, and lists several times", async (t) => {
  const server = await serve(t, { body: { data: [], pagination: { next_cursor: null, total: 0 } } });
  const params = { expiresLt: "30d", tag: ["prod", "critical"], sort: "-not_after" };
  await clientOf(server).certificates.list(params).toArray();
  assert.equal(server.asked[0].url, "/api/v2/certificates?expires_lt=30d&tag=prod&tag=critical&sort=-not_after");
});

test("a download is its bytes", async (t) => {
  const headers = { "Content-Type": "application/pkix-cert" };
  const server = await serve(t, { headers, body: new Uint8Array([0x30, 0x82, 0xff]) });
  const bytes = await clientOf(server).certificates.download("7d1f", { fmt: "der" });
  assert.deepEqual(bytes, new Uint8Array([0x30, 0x82, 0xff]));
  assert.equal(server.asked[0].url, "/api/v2/certificates/7d1f/download?fmt=der");
});

test("a certificate that waits is an error that carries the request", async (t) => {
  const waiting = { id: "r1", status: "pending_approval", subject: {}, requester: "a", approvals_needed: 1 };
  const server = await serve(t, { status: 202, body: waiting });
  await assert.rejects(clientOf(server).certificates.issue({ templateCode: "web" }), (error) => {
    assert.ok(error instanceof NotYetIssued);
    assert.equal(error.request.approvalsNeeded, 1);
    assert.equal(error.order, undefined);
    return true;
  });
});

test("or the order at a public CA", async (t) => {
  const order = { id: "o1", account_id: "a1", status: "waiting", names: ["a.example.com"], authorizations: [] };
  const server = await serve(t, { status: 202, body: order });
  await assert.rejects(clientOf(server).certificates.renew("7d1f"), (error) => {
    assert.ok(error instanceof NotYetIssued);
    assert.equal(error.order.accountId, "a1");
    assert.equal(error.request, undefined);
    return true;
  });
});

test("where 202 is what is usual, it is no error", async (t) => {
  const server = await serve(t, { status: 202, body: { id: "o1", account_id: "a1", status: "waiting" } });
  const order = { accountId: "a1", names: ["a.example.com"], challengeType: "dns-01" };
  assert.equal((await clientOf(server).acmeOrders.create(order)).accountId, "a1");
});

test("an answer that is not JSON is an error that says so", async (t) => {
  const server = await serve(t, { body: "<html>Welcome</html>" });
  await assert.rejects(clientOf(server).certificates.get("x"), { name: "UnexpectedAnswer", message: /not JSON/ });
});

test("every problem has its class and what the server said", async (t) => {
  const errors = [{ field: "sans[2]", code: "not-allowed", detail: "The role does not allow this name." }];
  const server = await serve(t, problem(422, { code: "validation-failed", title: "Not valid", detail: "", errors }));
  await assert.rejects(clientOf(server).certificates.issue({ templateCode: "web" }), {
    name: "ValidationFailed",
    status: 422,
    title: "Not valid",
    code: "validation-failed",
    traceId: "01J5Z3N8Q0V4T6X8Y9ABCDEFGH",
    errors,
    message: "422 Not valid: sans[2]: The role does not allow this name. (trace 01J5Z3N8Q0V4T6X8Y9ABCDEFGH)",
  });
});

for (const [status, name] of Object.entries({
  400: "BadRequest",
  401: "AuthenticationFailed",
  402: "NotLicensed",
  403: "PermissionDenied",
  404: "NotFound",
  409: "Conflict",
  410: "ApiError",
  422: "ValidationFailed",
  429: "RateLimited",
  500: "ServerError",
  507: "ServerError",
})) {
  test(`${status} is ${name}`, async (t) => {
    const server = await serve(t, problem(Number(status)));
    await assert.rejects(clientOf(server, { retries: 0 }).stats.get(), { name, status: Number(status) });
  });
}

test("a page of a proxy is an error with what is known", async (t) => {
  const server = await serve(t, { status: 502, headers: { "X-Trace-Id": "T1" }, body: "<html>secret things</html>" });
  await assert.rejects(clientOf(server, { retries: 0 }).stats.get(), {
    name: "ServerError",
    status: 502,
    type: "",
    title: "Bad gateway",
    traceId: "T1",
    message: "502 Bad gateway (trace T1)",
  });
});
