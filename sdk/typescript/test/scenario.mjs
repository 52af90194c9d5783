// Plays the scenario that every SDK plays, as ../../scenario/README.md says. Without `SCENARIO` there is none.
import { readFileSync } from "node:fs";
import { inspect, isDeepStrictEqual } from "node:util";

import * as chancery from "@chancery/client";

// Fields whose members are data, and have no names of this language.
const FREE_FORM = new Set(["subject", "config", "credentials", "role_map"]);

class Failure extends Error {}

class Player {
  #play;
  #values;
  #clients = new Map();

  constructor(play) {
    this.#play = play;
    this.#values = { ...play.values };
  }

  async play(step) {
    let failure;
    try {
      await this.#step(step);
    } catch (error) {
      failure = error;
    }
    if (step.wrong && failure === undefined) {
      throw new Failure(`${step.name} (${step.call}): what is wrong was not noticed`);
    }
    if (failure !== undefined && !(step.wrong && failure instanceof Failure)) {
      throw new Failure(`${step.name} (${step.call}): ${failure.message}`, { cause: failure });
    }
  }

  async #step(step) {
    await this.#askProxy({ method: "POST", body: JSON.stringify({ faults: step.faults ?? [] }) });
    const { answer, error } = await this.#outcome(step);
    requireError(step.fails, error);
    const found = error ?? answer;
    this.#compare(step.expect ?? {}, found);
    for (const [name, path] of Object.entries(step.keep ?? {})) {
      this.#values[name] = at(found, path);
    }
    this.#compare({ left: [], ...step.seen }, await this.#askProxy({ method: "GET" }));
  }

  async #outcome(step) {
    try {
      return { answer: await this.#call(step) };
    } catch (error) {
      if (error instanceof chancery.ChanceryError) {
        return { error };
      }
      throw error;
    }
  }

  async #call(step) {
    const [resource, method] = step.call.split(".").map(camel);
    const client = this.#client(step.as ?? "officer", step.retries);
    const given = [step.with, step.query].filter((each) => each !== undefined);
    const values = [...this.#filled(step.path ?? []), ...this.#filled(given).map(renamed)];
    if (step.key !== undefined) {
      values.push({ idempotencyKey: this.#filled(step.key) });
    }
    const answer = await client[resource][method](...values);
    return answer?.[Symbol.asyncIterator] ? { items: await all(answer) } : answer;
  }

  #client(who, retries) {
    const name = `${who} ${retries}`;
    if (!this.#clients.has(name)) {
      const { url, keys } = this.#play;
      this.#clients.set(name, new chancery.ChanceryClient({ baseUrl: url, apiKey: keys[who], retries }));
    }
    return this.#clients.get(name);
  }

  // The same, with what was kept in the place of its names.
  #filled(value) {
    if (Array.isArray(value)) {
      return value.map((each) => this.#filled(each));
    }
    if (isObject(value)) {
      const entries = Object.entries(value).map(([name, each]) => [name, this.#filled(each)]);
      return "$at" in value ? new Date(value.$at) : Object.fromEntries(entries);
    }
    if (typeof value !== "string") {
      return value;
    }
    const whole = /^\$\{(\w+)\}$/.exec(value);
    return whole ? this.#values[whole[1]] : value.replace(/\$\{(\w+)\}/g, (_, name) => String(this.#values[name]));
  }

  #compare(expected, found) {
    for (const [path, value] of Object.entries(expected)) {
      const wanted = this.#filled(value);
      const actual = at(found, path);
      if (!isAsExpected(wanted, actual)) {
        throw new Failure(`${path || "the answer"} is ${inspect(actual)}, and not ${JSON.stringify(wanted)}`);
      }
    }
  }

  async #askProxy(init) {
    const response = await fetch(`${this.#play.url}/__faults`, init);
    return response.json();
  }
}

function requireError(wanted, error) {
  const isWanted = wanted === undefined ? error === undefined : error instanceof chancery[wanted];
  if (!isWanted) {
    throw new Failure(`it ended with ${error ?? "success"}, and not with ${wanted ?? "success"}`);
  }
}

async function all(items) {
  const found = [];
  for await (const item of items) {
    found.push(item);
  }
  return found;
}

function camel(name) {
  return name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

// What is sent, by this language's names.
function renamed(value) {
  if (Array.isArray(value)) {
    return value.map(renamed);
  }
  if (!isObject(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [camel(name), FREE_FORM.has(name) ? each : renamed(each)]),
  );
}

// What stands at this path, in an answer by this language's names; null where nothing does.
function at(value, path) {
  let found = value;
  for (const name of path ? path.split(".") : []) {
    found = Array.isArray(found) ? found.at(Number(name)) : found?.[camel(name)] ?? found?.[name];
  }
  return found ?? null;
}

const MATCHERS = {
  $begins: (beginning, actual) => text(actual).startsWith(beginning),
  $ends: (end, actual) => text(actual).endsWith(end),
  $holds: (part, actual) => (Array.isArray(actual) ? actual : text(actual)).includes(part),
  $bytes: (digits, actual) => actual instanceof Uint8Array && Buffer.from(actual).toString("hex").startsWith(digits),
  $count: (number, actual) => Array.isArray(actual) && actual.length === number,
  $some: (_, actual) => actual !== null && actual !== "" && !(typeof actual === "object" && isEmpty(actual)),
  $not: (other, actual) => !isEqual(other, actual),
  $includes: (members, actual) => Object.entries(members).every(([name, each]) => isEqual(each, actual?.[name])),
  $time: (_, actual) => actual instanceof Date && !Number.isNaN(actual.getTime()),
  $secret: isSecret,
};

function isAsExpected(wanted, actual) {
  const [matcher, argument] = isObject(wanted) ? Object.entries(wanted)[0] ?? [] : [];
  return matcher in MATCHERS ? MATCHERS[matcher](argument, actual) : isEqual(wanted, actual);
}

function isEqual(wanted, actual) {
  return isDeepStrictEqual(wanted, JSON.parse(JSON.stringify(actual ?? null)));
}

function isSecret(beginning, actual) {
  if (!(actual instanceof chancery.Secret)) {
    return false;
  }
  const inspected = inspect([actual], { depth: null, showHidden: true });
  const shown = [String(actual), `${actual}`, JSON.stringify([actual]), inspected];
  return actual.reveal().startsWith(beginning) && shown.every((each) => !each.includes(beginning));
}

function isObject(value) {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function isEmpty(value) {
  return !(value instanceof Date) && Object.keys(value).length === 0;
}

function text(value) {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value);
}

if (process.env.SCENARIO) {
  const play = JSON.parse(process.env.SCENARIO);
  const { steps } = JSON.parse(readFileSync(play.scenario, "utf8"));
  const player = new Player(play);
  try {
    for (const step of steps) {
      await player.play(step);
    }
    console.log(`played ${steps.length} steps`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
