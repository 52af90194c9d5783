// Acting for a person, by the tokens that he has let this program have; the newest pair is always kept in a file.
//
// CHANCERY_URL=https://pki.example.com node oauth.js tokens.json

import { readFileSync, renameSync, writeFileSync } from "node:fs";

import { ChanceryClient, OAuth, type Tokens } from "@chancery/client";

const file = process.argv[2]!;
const kept = JSON.parse(readFileSync(file, "utf8"));

// A refresh token is good once: whoever loses the new one has to ask the person again.
function keep(pair: Tokens): void {
  const tokens = { ...kept, access_token: pair.accessToken.reveal(), refresh_token: pair.refreshToken.reveal() };
  writeFileSync(`${file}.new`, JSON.stringify(tokens), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

const client = new ChanceryClient({
  baseUrl: process.env.CHANCERY_URL!,
  oauth: new OAuth({
    clientId: kept.client_id,
    accessToken: kept.access_token,
    refreshToken: kept.refresh_token,
    onRefresh: keep,
  }),
});

const me = await client.whoami.get();
console.log(`${me.user?.email} in ${me.organization?.name}`);
for await (const ca of client.cas.list()) {
  console.log(ca.name);
}
