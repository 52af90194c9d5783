import { Agent, request, type IncomingMessage } from "node:https";
import { Readable } from "node:stream";
import { createSecureContext } from "node:tls";

import { reveal, type SecretInput } from "./secret.js";
import type { Fetch } from "./transport.js";

/** What is shown to the server, and which servers are believed. Files are what they hold, not their names. */
export interface TlsOptions {
  /** The client's certificate and whatever stands between it and its root, in PEM. */
  readonly cert?: string | Uint8Array;
  /** Its private key, in PEM. */
  readonly key?: SecretInput | Uint8Array;
  /** In place of both: a PKCS#12 file. */
  readonly pfx?: Uint8Array;
  /** Opens the key or the file. */
  readonly passphrase?: SecretInput;
  /** The CAs in PEM of which one has to stand behind the server, in place of those that Node knows. */
  readonly ca?: string | Uint8Array;
}

/**
 * A `fetch` for Node that shows a client certificate (mTLS), or believes a CA of one's own:
 *
 *     const fetch = tlsFetch({ cert: readFileSync("client.pem"), key: readFileSync("client.key") });
 *     const client = new ChanceryClient({ baseUrl: "https://pki.example.com", fetch });
 *
 * In browsers, the user chooses the certificate, and no program can.
 *
 * @throws Error - the files are not what they should be, or the passphrase does not open them.
 */
export function tlsFetch(options: TlsOptions): Fetch {
  const secureContext = createSecureContext({
    cert: options.cert,
    key: options.key instanceof Uint8Array ? options.key : options.key && reveal(options.key),
    pfx: options.pfx,
    passphrase: options.passphrase && reveal(options.passphrase),
    ca: options.ca,
  });
  const agent = new Agent({ keepAlive: true, secureContext });
  return (url, init) =>
    new Promise<Response>((resolve, reject) => {
      const { method = "GET", body, signal } = init;
      const headers = init.headers as Record<string, string>;
      const sent = request(url, { agent, method, headers, signal: signal ?? undefined });
      sent.on("error", reject);
      sent.on("response", (answer) => resolve(responseOf(answer)));
      // With its length, as `fetch` sends it.
      sent.end(body ?? (method === "GET" ? undefined : ""));
    });
}

const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

function responseOf(answer: IncomingMessage): Response {
  const headers = new Headers();
  for (let place = 0; place + 1 < answer.rawHeaders.length; place += 2) {
    headers.append(answer.rawHeaders[place]!, answer.rawHeaders[place + 1]!);
  }
  const hasBody = !WITHOUT_BODY.has(answer.statusCode);
  if (!hasBody) {
    answer.resume();
  }
  return new Response(hasBody ? Readable.toWeb(answer) : null, { status: answer.statusCode, headers });
}
