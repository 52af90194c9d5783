// A certified OpenID Connect provider (panva/node-oidc-provider), with one client. Whoever signs in is who he says.
// Usage: node provider.mjs PORT REDIRECT_URI
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.OIDC_PROVIDER_FOLDER}/`);
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));
const [port, redirect] = process.argv.slice(2);

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{
    client_id: "chancery",
    client_secret: "what only the two know",
    redirect_uris: [redirect],
    token_endpoint_auth_method: "client_secret_post",
  }],
  claims: { openid: ["sub"], email: ["email"], profile: ["name", "groups"] },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@elsewhere.example`, name: "Jane Doe", groups: ["staff", "pki-operators"] }),
  }),
  pkce: { required: () => true },
  cookies: { keys: ["only", "for", "tests"] },
});
provider.listen(Number(port), () => console.log("ready"));
