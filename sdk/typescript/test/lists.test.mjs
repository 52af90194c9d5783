import assert from "node:assert/strict";
import { test } from "node:test";

import { AnswerTooLong, ChanceryClient, LONGEST_ANSWER, PermissionDenied } from "@chancery/client";

import { clock, problem, serve } from "./support/server.mjs";

function clientOf(server, options = {}) {
  return new ChanceryClient({ baseUrl: server.url, apiKey: "pkf_key", clock: clock(), ...options });
}

function page(ids, next, more = {}) {
  return { body: { data: ids.map((id) => ({ id })), pagination: { next_cursor: next, total: 3, ...more } } };
}

test("a list is read to its end, page by page", async (t) => {
  const server = await serve(t, page(["a", "b"], "c1"), page(["c"], null));
  const ids = [];
  for await (const role of clientOf(server).roles.list({ limit: 2 })) {
    ids.push(role.id);
  }
  assert.deepEqual(ids, ["a", "b", "c"]);
  assert.deepEqual(server.asked.map((each) => each.url), ["/api/v2/roles?limit=2", "/api/v2/roles?limit=2&cursor=c1"]);
});

test("nothing is fetched that is not asked for", async (t) => {
  const server = await serve(t, page(["a", "b"], "c1"));
  const list = clientOf(server).roles.list();
  assert.equal(server.asked.length, 0);
  for await (const role of list) {
    assert.equal(role.id, "a");
    break;
  }
  assert.equal(server.asked.length, 1);
});

test("pages say how many there are", async (t) => {
  const server = await serve(t, page(["a"], "c1", { total_is_estimate: true }), page(["b"], null));
  const pages = [];
  for await (const each of clientOf(server).roles.list().pages()) {
    pages.push([each.items.length, each.total, each.totalIsEstimate, each.nextCursor]);
  }
  assert.deepEqual(pages, [
    [1, 3, true, "c1"],
    [1, 3, false, undefined],
  ]);
  assert.equal(await clientOf(server).roles.list().total(), 3);
});

test("each loop begins at the beginning, and toArray ends where it is to", async (t) => {
  const answer = ({ url }) => (url.includes("cursor") ? page(["c"], null) : page(["a", "b"], "c1"));
  const server = await serve(t, answer);
  const list = clientOf(server).roles.list();
  assert.deepEqual((await list.toArray()).map((each) => each.id), ["a", "b", "c"]);
  assert.deepEqual((await list.toArray(2)).map((each) => each.id), ["a", "b"]);
  assert.equal(server.asked.length, 3);
});

test("a page that fails is tried again, and only that one", async (t) => {
  const server = await serve(t, page(["a"], "c1"), problem(503), page(["b"], null));
  assert.equal((await clientOf(server).roles.list().toArray()).length, 2);
  assert.equal(server.asked.length, 3);
});

test("a server that gives the same page for ever is left", async (t) => {
  const server = await serve(t, page(["a"], "c1"));
  await assert.rejects(clientOf(server).roles.list().toArray(), /same page/);
  assert.equal(server.asked.length, 2);
});

test("a stream is given line by line, wherever it is cut", async (t) => {
  const bytes = Buffer.from('{"name":"é","event_id":1}\n\n{"n":2}\n{"n":3}');
  const server = await serve(t, async (_request, response) => {
    for (const byte of bytes) {
      response.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  });
  const lines = [];
  for await (const line of clientOf(server).audit.export({ since: "2026-01-01" })) {
    lines.push(line);
  }
  assert.deepEqual(lines, [{ name: "é", event_id: 1 }, { n: 2 }, { n: 3 }]);
});

test("a stream's first line is there before its last is written, and whoever leaves it closes it", async (t) => {
  let closed;
  const isClosed = new Promise((resolve) => (closed = resolve));
  const server = await serve(t, (_request, response) => {
    response.write('{"n":1}\n');
    response.on("close", closed);
  });
  for await (const line of clientOf(server).audit.export()) {
    assert.deepEqual(line, { n: 1 });
    break;
  }
  await isClosed;
});

test("a stream that stands still is a failure", async (t) => {
  const server = await serve(t, (_request, response) => void response.write('{"n":1}\n'));
  const read = async () => {
    for await (const line of clientOf(server, { timeoutMs: 60 }).audit.export()) {
      assert.ok(line);
    }
  };
  await assert.rejects(read(), { name: "ConnectionFailed", message: /in time/ });
});

test("a stream begins again only where it has not begun", async (t) => {
  const server = await serve(t, problem(503), (_request, response) => {
    response.write('{"n":1}\n{"n"');
    setTimeout(() => response.destroy(), 20);
  });
  const lines = [];
  const read = async () => {
    for await (const line of clientOf(server).audit.export()) {
      lines.push(line);
    }
  };
  await assert.rejects(read(), { name: "ConnectionFailed" });
  assert.equal(server.asked.length, 2);
  assert.equal(lines.length, 1);
});

test("a stream ends with its signal", async (t) => {
  const server = await serve(t, (_request, response) => void response.write('{"n":1}\n'));
  const controller = new AbortController();
  const reason = new Error("enough");
  const read = async () => {
    for await (const line of clientOf(server).audit.export({}, { signal: controller.signal })) {
      assert.ok(line);
      controller.abort(reason);
    }
  };
  await assert.rejects(read(), (error) => error === reason);
});

const MIB = 1024 * 1024;

/** A `fetch` whose answer never ends, and has no line; `seen` has how much of it was taken, and whether it was left. */
function endless(status, seen) {
  return async () => {
    const pull = (controller) => {
      seen.given += MIB;
      controller.enqueue(new Uint8Array(MIB).fill(32));
    };
    const cancel = () => {
      seen.isLeft = true;
    };
    seen.asked += 1;
    return new Response(new ReadableStream({ pull, cancel }, { highWaterMark: 0 }), { status });
  };
}

const ASKS = {
  "a model": (client) => client.certificates.get("1"),
  "a file": (client) => client.certificates.download("1"),
  "a text": (client) => client.audit.verifier(),
  "a line": async (client) => {
    for await (const line of client.audit.export()) {
      assert.fail(line);
    }
  },
};

for (const [what, ask] of Object.entries(ASKS)) {
  test(`${what} without an end is left, and does not fill the memory`, async () => {
    const seen = { asked: 0, given: 0, isLeft: false };
    const client = new ChanceryClient({ baseUrl: "https://pki.example.com", apiKey: "pkf_key", fetch: endless(200, seen) });
    await assert.rejects(ask(client), (error) => error instanceof AnswerTooLong && error.message.includes("64 MiB"));
    assert.deepEqual(seen, { asked: 1, given: LONGEST_ANSWER + MIB, isLeft: true });
  });
}

test("of an error without an end, the status is told", async () => {
  const seen = { asked: 0, given: 0, isLeft: false };
  const client = new ChanceryClient({ baseUrl: "https://pki.example.com", apiKey: "pkf_key", fetch: endless(403, seen) });
  await assert.rejects(client.certificates.get("1"), PermissionDenied);
  assert.equal(seen.isLeft, true);
});

test("a line may come in many pieces, and letters be cut", async (t) => {
  const text = "ü".repeat(200_000);
  const whole = Buffer.from(`{"a":"${text}"}\n{"b":1}\n\n{"c":"${text}"}`);
  const server = await serve(t, (asked, response) => {
    response.writeHead(200, { "Content-Type": "application/x-ndjson" });
    for (let place = 0; place < whole.length; place += 9_999) {
      response.write(whole.subarray(place, place + 9_999));
    }
    response.end();
  });
  const lines = [];
  for await (const line of clientOf(server).audit.export()) {
    lines.push(line);
  }
  assert.deepEqual(lines, [{ a: text }, { b: 1 }, { c: text }]);
});
