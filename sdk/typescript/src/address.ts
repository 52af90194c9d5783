const LOOPBACK = /^(localhost|(.+\.)?localhost|127(\.\d+){3}|\[::1\])$/;
const UNSENDABLE: ReadonlySet<string> = new Set(["", ".", ".."]);

/**
 * The address of a server, without a slash at its end.
 *
 * @throws TypeError - it is none; or tokens sent to it could be read on the way, and nobody has said that they may be.
 */
export function serverAddress(address: string, allowInsecure: boolean): string {
  const url = new URL(address);
  if (url.username || url.password || url.search || url.hash) {
    throw new TypeError("An address of a server has no user, no password, no query and no fragment.");
  }
  const isSafe = url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname));
  if (!isSafe && !(url.protocol === "http:" && allowInsecure)) {
    throw new TypeError(`${url.origin} is not https. Whoever accepts that says allowInsecure: true.`);
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/**
 * The tag of paths: path`/certificates/${id}/renew`. What is put in stays one segment, whatever it holds.
 *
 * @throws TypeError - it is empty or dots, or has a slash, with which the path would be another one.
 */
export function path(parts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return values.reduce<string>((made, value, index) => made + segment(value) + parts[index + 1], parts[0]!);
}

function segment(value: string | number): string {
  // Servers decode a slash before they look for what is asked of them.
  const isOne = typeof value === "number" || (typeof value === "string" && !/[/\\]/.test(value));
  if (!isOne || UNSENDABLE.has(String(value))) {
    throw new TypeError(`${JSON.stringify(value)} identifies nothing`);
  }
  return encodeURIComponent(value);
}

/** The query of an address, with its question mark; a list is its name several times. */
export function queryString(parameters: Record<string, unknown>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      query.append(name, String(item));
    }
  }
  const text = query.toString();
  return text && `?${text}`;
}
