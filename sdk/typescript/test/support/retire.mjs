// Says whether there is a global crypto, and the key that a POST is sent under.
import { ChanceryClient } from "@chancery/client";

async function fetch(_url, init) {
  console.log(typeof globalThis.crypto, init.headers["Idempotency-Key"]);
  return new Response("{}");
}

await new ChanceryClient({ baseUrl: "https://pki.example.com", fetch }).cas.retire("c1");
