import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import * as imported from "@chancery/client";

const require = createRequire(import.meta.url);

test("import and require give the same names", () => {
  const required = require("@chancery/client");
  assert.deepEqual(Object.keys(required).sort(), Object.keys(imported).sort());
  assert.equal(typeof require("@chancery/client/tls").tlsFetch, "function");
});

test("the version is that of the package", () => {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  assert.equal(imported.VERSION, version);
});

test("a secret of the one is one to the other", async () => {
  const required = require("@chancery/client");
  let sent;
  const fetch = async (_url, init) => {
    sent = init;
    return new Response("{}");
  };
  const apiKey = new required.Secret("k");
  const client = new imported.ChanceryClient({ baseUrl: "https://pki.example.com", apiKey, fetch });
  await client.cas.createCsr("c1", { passphrase: new required.Secret("p") });
  assert.equal(sent.body, '{"passphrase":"p"}');
  assert.equal(sent.headers.Authorization, "Bearer k");
});

test("where there is no global crypto, as in Node 18, keys are drawn all the same", () => {
  const program = fileURLToPath(new URL("support/retire.mjs", import.meta.url));
  const said = execFileSync(process.execPath, ["--no-experimental-global-webcrypto", program], { encoding: "utf8" });
  assert.match(said, /^undefined [0-9a-f]{32}\n$/);
});

test("what browsers load imports nothing of Node", () => {
  const names = [];
  const read = (file) => {
    if (!names.includes(file.href)) {
      names.push(file.href);
      const text = readFileSync(file, "utf8");
      for (const [, name] of text.matchAll(/(?:import|export) [^;]*?from "(.*?)"/g)) {
        assert.match(name, /^\.\.?\//, `${file}`);
        read(new URL(name, file));
      }
    }
  };
  read(new URL("../dist/esm/index.js", import.meta.url));
  assert.ok(names.length > 40, `${names.length}`);
});
