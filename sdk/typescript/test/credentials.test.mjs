import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { AuthenticationFailed, ChanceryClient, OAuth, Secret, VERSION } from "@chancery/client";

import { clock, problem, serve } from "./support/server.mjs";

const STATS = { body: { authorities: 1 } };

test("an API key is a bearer token, and every request says who it is from", async (t) => {
  const server = await serve(t, STATS);
  await new ChanceryClient({ baseUrl: `${server.url}/`, apiKey: "pkf_key" }).stats.get();
  const { headers, url } = server.asked[0];
  assert.equal(url, "/api/v2/stats");
  assert.equal(headers.authorization, "Bearer pkf_key");
  assert.equal(headers["user-agent"], `chancery-client-typescript/${VERSION}`);
  assert.equal(headers.accept, "application/json");
});

test("a server may stand below a path", async (t) => {
  const server = await serve(t, STATS);
  await new ChanceryClient({ baseUrl: `${server.url}/pki/`, apiKey: "k" }).stats.get();
  assert.equal(server.asked[0].url, "/pki/api/v2/stats");
});

test("a token, and a function that gives one for each request", async (t) => {
  const server = await serve(t, STATS);
  await new ChanceryClient({ baseUrl: server.url, token: new Secret("t0") }).stats.get();
  let count = 0;
  const client = new ChanceryClient({ baseUrl: server.url, token: async () => `t${(count += 1)}` });
  await client.stats.get();
  await client.stats.get();
  assert.deepEqual(server.asked.map((each) => each.headers.authorization), ["Bearer t0", "Bearer t1", "Bearer t2"]);
});

test("a function is asked once more where its token is refused", async (t) => {
  const server = await serve(t, problem(401), STATS);
  const tokens = ["old", "new"];
  await new ChanceryClient({ baseUrl: server.url, token: () => tokens.shift() }).stats.get();
  assert.deepEqual(server.asked.map((each) => each.headers.authorization), ["Bearer old", "Bearer new"]);
});

test("but a token that was refused is not sent again", async (t) => {
  const server = await serve(t, problem(401));
  const client = new ChanceryClient({ baseUrl: server.url, token: () => "old" });
  await assert.rejects(client.stats.get(), AuthenticationFailed);
  assert.equal(server.asked.length, 1);
});

test("without a credential none is sent", async (t) => {
  const server = await serve(t, STATS);
  await new ChanceryClient({ baseUrl: server.url }).stats.get();
  assert.equal(server.asked[0].headers.authorization, undefined);
});

for (const [name, options, message] of [
  ["a key that is undefined", { apiKey: undefined }, /apiKey is undefined/],
  ["a key that is empty", { apiKey: "" }, /apiKey is empty/],
  ["two credentials", { apiKey: "a", token: "b" }, /one of apiKey, token and oauth/],
  ["http to another machine", { baseUrl: "http://pki.example.com" }, /is not https/],
  ["http to what looks like this machine", { baseUrl: "http://127.0.0.1.example.com" }, /is not https/],
  ["another scheme", { baseUrl: "ftp://localhost", allowInsecure: true }, /is not https/],
  ["a password in the address", { baseUrl: "https://a:b@pki.example.com" }, /no password/],
  ["a query in the address", { baseUrl: "https://pki.example.com?a" }, /no query/],
]) {
  test(`a client is not made with ${name}`, () => {
    const baseUrl = "https://pki.example.com";
    assert.throws(() => new ChanceryClient({ baseUrl, ...options }), { name: "TypeError", message });
  });
}

test("http is for this machine, or for who says so", () => {
  for (const baseUrl of ["http://localhost:8000", "http://127.0.0.2", "http://[::1]:8000", "http://pki.localhost"]) {
    assert.ok(new ChanceryClient({ baseUrl, apiKey: "k" }));
  }
  assert.ok(new ChanceryClient({ baseUrl: "http://pki.example.com", apiKey: "k", allowInsecure: true }));
});

test("a token that cannot be sent is not shown", async (t) => {
  const server = await serve(t, STATS);
  const client = new ChanceryClient({ baseUrl: server.url, apiKey: "pkf_hidden\nX: y" });
  await assert.rejects(client.stats.get(), (error) => {
    assert.ok(error instanceof AuthenticationFailed);
    assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /hidden/);
    return true;
  });
  assert.equal(server.asked.length, 0);
});

test("errors do not show what was sent", async (t) => {
  const server = await serve(t, "drop");
  const client = new ChanceryClient({ baseUrl: server.url, apiKey: "pkf_hidden", retries: 0 });
  await assert.rejects(client.cas.createCsr("c1", { passphrase: "hidden" }), (error) => {
    assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /hidden/);
    return true;
  });
});

for (const status of [301, 302, 307, 308]) {
  test(`a ${status} is not followed`, async (t) => {
    const elsewhere = await serve(t, STATS);
    const server = await serve(t, { status, headers: { Location: `${elsewhere.url}/` } });
    const client = new ChanceryClient({ baseUrl: server.url, apiKey: "pkf_key", clock: clock() });
    await assert.rejects(client.stats.get(), { name: "ApiError", status, message: /not followed/ });
    assert.equal(elsewhere.asked.length, 0);
    assert.equal(server.asked.length, 1);
  });
}

// A server that gives tokens: a0 and r0 to begin with, then a1 and r1, and so on. It takes each refresh token once.
async function office(t, { refused = () => false, issuer, metadata = [] } = {}) {
  const given = { refreshes: 0, used: [] };
  const server = await serve(t, async (request) => {
    if (request.url === "/.well-known/oauth-authorization-server") {
      const found = { issuer: issuer ?? server.url, token_endpoint: `${server.url}/oauth/token` };
      return metadata.shift() ?? { body: found };
    }
    if (request.url === "/oauth/token") {
      const form = Object.fromEntries(new URLSearchParams(request.body));
      await new Promise((resolve) => setTimeout(resolve, 20));
      given.used.push(form.refresh_token);
      if (form.refresh_token !== `r${given.refreshes}`) {
        return { status: 400, body: { error: "invalid_grant", error_description: "It was used." } };
      }
      given.refreshes += 1;
      const number = given.refreshes;
      return { body: { access_token: `a${number}`, refresh_token: `r${number}`, expires_in: 3600 } };
    }
    return refused(request) ? problem(401, { code: "not-authenticated" }) : STATS;
  });
  return { server, given };
}

function isFirst(request) {
  return request.headers.authorization === "Bearer a0";
}

test("a token is refreshed a minute before its end, and the new pair is stored before it is used", async (t) => {
  const { server, given } = await office(t);
  const time = clock();
  const stored = [];
  const oauth = new OAuth({
    clientId: "app",
    clientSecret: "s",
    accessToken: "a0",
    refreshToken: "r0",
    expiresAt: new Date(time.now() + 60_000),
    onRefresh: (pair) => {
      const { accessToken, refreshToken, expiresAt } = pair;
      stored.push([accessToken.reveal(), refreshToken.reveal(), expiresAt - time.now(), server.asked.length]);
    },
    clock: time,
  });
  const client = new ChanceryClient({ baseUrl: server.url, oauth });
  await client.stats.get();
  await client.stats.get();
  assert.equal(given.refreshes, 1);
  assert.deepEqual(stored, [["a1", "r1", 3_600_000, 2]]);
  const form = new URLSearchParams(server.asked[1].body);
  assert.deepEqual(Object.fromEntries(form), {
    grant_type: "refresh_token",
    client_id: "app",
    refresh_token: "r0",
    client_secret: "s",
  });
  assert.equal(server.asked.at(-1).headers.authorization, "Bearer a1");
});

test("a token that is good for longer is not refreshed", async (t) => {
  const { server, given } = await office(t);
  const time = clock();
  const expiresAt = new Date(time.now() + 61_000);
  const oauth = new OAuth({ clientId: "app", accessToken: "a0", refreshToken: "r0", expiresAt, clock: time });
  await new ChanceryClient({ baseUrl: server.url, oauth }).stats.get();
  assert.equal(given.refreshes, 0);
});

test("many calls whose token is refused have one refresh, and all succeed", async (t) => {
  const { server, given } = await office(t, { refused: isFirst });
  const oauth = new OAuth({ clientId: "app", accessToken: "a0", refreshToken: "r0" });
  const client = new ChanceryClient({ baseUrl: server.url, oauth });
  await Promise.all(Array.from({ length: 20 }, () => client.stats.get()));
  assert.deepEqual(given.used, ["r0"]);
});

test("a POST whose token is refused is sent again under the same key", async (t) => {
  const { server } = await office(t, { refused: isFirst });
  const oauth = new OAuth({ clientId: "app", accessToken: "a0", refreshToken: "r0" });
  await new ChanceryClient({ baseUrl: server.url, oauth }).certificates.issue({ templateCode: "web" });
  const calls = server.asked.filter((each) => each.url.startsWith("/api/"));
  const keys = calls.map((each) => each.headers["idempotency-key"]);
  assert.equal(keys.length, 2);
  assert.equal(new Set(keys).size, 1);
});

test("a token that is refused also when it is new is refreshed once", async (t) => {
  const { server, given } = await office(t, { refused: () => true });
  const oauth = new OAuth({ clientId: "app", accessToken: "a0", refreshToken: "r0" });
  await assert.rejects(new ChanceryClient({ baseUrl: server.url, oauth }).stats.get(), AuthenticationFailed);
  assert.equal(given.refreshes, 1);
});

test("a refresh token that is not taken is an authentication that failed", async (t) => {
  const { server } = await office(t);
  const oauth = new OAuth({ clientId: "app", refreshToken: "stolen" });
  await assert.rejects(new ChanceryClient({ baseUrl: server.url, oauth }).stats.get(), {
    name: "AuthenticationFailed",
    detail: "invalid_grant: It was used.",
  });
});

test("a refresh whose answer is lost is not repeated: its token would be used twice", async (t) => {
  const server = await serve(t, ({ url }) =>
    url === "/oauth/token" ? "drop" : { body: { issuer: server.url, token_endpoint: `${server.url}/oauth/token` } },
  );
  const oauth = new OAuth({ clientId: "app", refreshToken: "r0" });
  const client = new ChanceryClient({ baseUrl: server.url, oauth, clock: clock() });
  await assert.rejects(client.stats.get(), { name: "ConnectionFailed" });
  assert.deepEqual(server.asked.map((each) => each.url), ["/.well-known/oauth-authorization-server", "/oauth/token"]);
});

test("but what was only looked up is looked up again", async (t) => {
  const { server, given } = await office(t, { metadata: [problem(503), "drop"] });
  const oauth = new OAuth({ clientId: "app", refreshToken: "r0" });
  await new ChanceryClient({ baseUrl: server.url, oauth, clock: clock() }).stats.get();
  assert.equal(given.refreshes, 1);
});

test("a new pair that cannot be stored is told, and not forgotten", async (t) => {
  const { server, given } = await office(t);
  const full = new Error("disk full");
  const onRefresh = () => {
    throw full;
  };
  const oauth = new OAuth({ clientId: "app", refreshToken: "r0", onRefresh });
  const client = new ChanceryClient({ baseUrl: server.url, oauth });
  await assert.rejects(client.stats.get(), (error) => error === full);
  await client.stats.get();
  assert.deepEqual(given.used, ["r0"]);
});

test("one caller who leaves does not end the refresh of the others", async (t) => {
  const { server, given } = await office(t);
  const oauth = new OAuth({ clientId: "app", refreshToken: "r0" });
  const client = new ChanceryClient({ baseUrl: server.url, oauth });
  const controller = new AbortController();
  const leaving = assert.rejects(client.stats.get({ signal: controller.signal }), { name: "AbortError" });
  const staying = client.stats.get();
  controller.abort();
  await Promise.all([leaving, staying]);
  assert.equal(given.refreshes, 1);
});

test("a server that calls itself otherwise is not believed", async (t) => {
  const { server, given } = await office(t, { issuer: "https://other.example.com" });
  const oauth = new OAuth({ clientId: "app", refreshToken: "r0" });
  await assert.rejects(new ChanceryClient({ baseUrl: server.url, oauth }).stats.get(), /calls itself https:\/\/other/);
  assert.equal(given.refreshes, 0);
});

test("tokens do not show themselves", () => {
  const oauth = new OAuth({ clientId: "app", accessToken: "hidden", refreshToken: "hidden" });
  assert.doesNotMatch(inspect(oauth, { depth: null, showHidden: true }) + JSON.stringify(oauth), /hidden/);
});
