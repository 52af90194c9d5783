import { isRecord } from "./answers.js";
import { reveal, Secret, type SecretInput } from "./secret.js";

/** How a value travels, where it does not travel as it is. */
export type Kind =
  | { readonly is: "datetime" }
  | { readonly is: "secret" }
  | { readonly is: "list"; readonly item: Kind }
  | { readonly is: "map"; readonly item: Kind }
  | { readonly is: "model"; readonly shape: () => Shape };

/** The fields of a model: the property's name, what the wire calls it, and how it travels. */
export interface Shape {
  readonly name: string;
  readonly fields: { readonly [property: string]: readonly [wire: string, kind?: Kind] };
}

/** A time: RFC 3339 text on the wire, a `Date` here. */
export const datetime: Kind = { is: "datetime" };

/** Text on the wire, a {@link Secret} here. */
export const secret: Kind = { is: "secret" };

/** A list of such values. */
export function list(item: Kind): Kind {
  return { is: "list", item };
}

/** Such values by keys that are data, and stay as they are. */
export function map(item: Kind): Kind {
  return { is: "map", item };
}

/** An object of this shape. It is named by a function, so that shapes may hold each other. */
export function model(shape: () => Shape): Kind {
  return { is: "model", shape };
}

/** What an answer says, as a model of this shape. What is not known is left out: a newer server sends more. */
export function decode(shape: Shape, wire: unknown): unknown {
  if (!isRecord(wire)) {
    return wire;
  }
  const known = Object.entries(shape.fields).filter(([, [name]]) => wire[name] !== undefined);
  return Object.fromEntries(known.map(([property, [name, kind]]) => [property, fromWire(kind, wire[name])]));
}

/**
 * What a model of this shape is on the wire. `undefined` is not sent, `null` is.
 *
 * @throws TypeError - there is a property that the shape does not know; the compiler says so before, where it is asked.
 */
export function encode(shape: Shape, value: object): Record<string, unknown> {
  const wire: [string, unknown][] = [];
  for (const [property, part] of Object.entries(value)) {
    if (!Object.hasOwn(shape.fields, property)) {
      throw new TypeError(`${shape.name} has no property ${JSON.stringify(property)}`);
    }
    const [name, kind] = shape.fields[property]!;
    if (part !== undefined) {
      wire.push([name, toWire(kind, part)]);
    }
  }
  return Object.fromEntries(wire);
}

function fromWire(kind: Kind | undefined, value: unknown): unknown {
  if (kind === undefined || value === null) {
    return value;
  }
  switch (kind.is) {
    case "datetime":
      return new Date(String(value));
    case "secret":
      return new Secret(String(value));
    case "model":
      return decode(kind.shape(), value);
    default:
      return eachOf(kind.item, value, fromWire);
  }
}

function toWire(kind: Kind | undefined, value: unknown): unknown {
  if (kind === undefined || value === null) {
    return value;
  }
  switch (kind.is) {
    case "datetime":
      return value instanceof Date ? value.toISOString() : value;
    case "secret":
      return reveal(value as SecretInput);
    case "model":
      return encode(kind.shape(), value as object);
    default:
      return eachOf(kind.item, value, toWire);
  }
}

function eachOf(kind: Kind, value: unknown, change: (kind: Kind, value: unknown) => unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => change(kind, item));
  }
  if (isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(kind, item)]));
  }
  return value;
}
