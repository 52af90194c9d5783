import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, after, test } from "node:test";

import { ChanceryClient, Secret } from "@chancery/client";
import { tlsFetch } from "@chancery/client/tls";

import { clock } from "./support/server.mjs";

const PASSPHRASE = "open sesame";

let folder;
let skip = false;

// A certificate for each of the two, which is its own CA.
before(() => {
  folder = mkdtempSync(join(tmpdir(), "chancery-tls-"));
  try {
    for (const name of ["server", "client"]) {
      const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
      const files = ["-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.pem`)];
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-passout", `pass:${PASSPHRASE}`];
      execFileSync("openssl", ["req", "-x509", ...key, ...names, ...files], { stdio: "ignore" });
    }
  } catch (error) {
    if (error.code !== "ENOENT") {
      throw error;
    }
    skip = "openssl is not installed";
  }
});

after(() => rmSync(folder, { recursive: true }));

function file(name) {
  return readFileSync(join(folder, name));
}

async function serve(t, answer) {
  const identity = { cert: file("server.pem"), key: file("server.key"), passphrase: PASSPHRASE };
  const demands = { ca: file("client.pem"), requestCert: true, rejectUnauthorized: true };
  const asked = [];
  const server = createServer({ ...identity, ...demands }, async (request, response) => {
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    asked.push({
      who: request.socket.getPeerCertificate().subject.CN,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    });
    answer(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `https://127.0.0.1:${server.address().port}`, asked };
}

function json(value) {
  return (response) => response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

function shown() {
  const key = new Secret(file("client.key").toString());
  return { cert: file("client.pem"), key, passphrase: PASSPHRASE, ca: file("server.pem") };
}

test("a client shows its certificate, and believes a CA of its own", async (t) => {
  if (skip) return t.skip(skip);
  const server = await serve(t, json({ status: "revoked" }));
  const client = new ChanceryClient({ baseUrl: server.url, fetch: tlsFetch(shown()) });
  assert.equal((await client.cas.revoke("c1", { reason: "superseded" })).status, "revoked");
  assert.equal((await client.cas.retire("c1")).status, "revoked");
  const [first, second] = server.asked;
  assert.equal(first.who, "client");
  assert.equal(first.body, '{"reason":"superseded"}');
  assert.match(first.headers["idempotency-key"], /^[0-9a-f]{32}$/);
  assert.equal(second.headers["content-length"], "0");
});

test("a server that nobody vouches for is not talked to, and not tried again", async (t) => {
  if (skip) return t.skip(skip);
  const server = await serve(t, json({}));
  const { ca, ...others } = shown();
  assert.ok(ca);
  const time = clock();
  const client = new ChanceryClient({ baseUrl: server.url, fetch: tlsFetch(others), clock: time });
  await assert.rejects(client.stats.get(), { name: "ConnectionFailed", message: /self-signed/, mayHaveActed: false });
  assert.deepEqual(time.slept, []);
  assert.equal(server.asked.length, 0);
});

test("a client without a certificate is turned away", async (t) => {
  if (skip) return t.skip(skip);
  const server = await serve(t, json({}));
  const fetch = tlsFetch({ ca: file("server.pem") });
  const client = new ChanceryClient({ baseUrl: server.url, fetch, clock: clock() });
  await assert.rejects(client.stats.get(), { name: "ConnectionFailed" });
  assert.equal(server.asked.length, 0);
});

test("what answers nothing, and what streams", async (t) => {
  if (skip) return t.skip(skip);
  const empty = await serve(t, (response) => response.writeHead(204).end());
  const fetch = tlsFetch(shown());
  assert.equal(await new ChanceryClient({ baseUrl: empty.url, fetch }).roles.delete("r1"), undefined);
  const lines = await serve(t, (response) => void response.write('{"n":1}\n'));
  for await (const line of new ChanceryClient({ baseUrl: lines.url, fetch }).audit.export()) {
    assert.deepEqual(line, { n: 1 });
    break;
  }
});

test("a call ends with its signal", async (t) => {
  if (skip) return t.skip(skip);
  const controller = new AbortController();
  const server = await serve(t, () => controller.abort(new Error("enough")));
  const client = new ChanceryClient({ baseUrl: server.url, fetch: tlsFetch(shown()) });
  await assert.rejects(client.stats.get({ signal: controller.signal }), { message: "enough" });
});

test("a key that does not open is told at once, and not shown", (t) => {
  if (skip) return t.skip(skip);
  assert.throws(
    () => tlsFetch({ ...shown(), passphrase: "wrong" }),
    (error) => !/PRIVATE KEY|wrong/.test(`${error.stack}`),
  );
});
