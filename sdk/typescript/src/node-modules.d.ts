// The little of Node that is used here, so that nothing has to be installed to build this package.

declare module "node:crypto" {
  export const webcrypto: Crypto;
}

declare module "node:https" {
  export class Agent {
    constructor(options: object);
  }

  export interface IncomingMessage {
    readonly statusCode: number;
    readonly rawHeaders: readonly string[];
    resume(): void;
  }

  export interface ClientRequest {
    on(event: "error", listener: (error: Error) => void): void;
    on(event: "response", listener: (answer: IncomingMessage) => void): void;
    end(body?: unknown): void;
  }

  export function request(
    url: string,
    options: { agent: Agent; method: string; headers: Record<string, string>; signal?: AbortSignal },
  ): ClientRequest;
}

declare module "node:stream" {
  export const Readable: { toWeb(stream: object): ReadableStream<Uint8Array> };
}

declare module "node:tls" {
  export function createSecureContext(options: object): object;
}
