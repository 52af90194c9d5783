// A certified OpenID Connect provider (panva/node-oidc-provider) that gives a program access tokens as JWTs.
// Usage: node token_provider.mjs PORT AUDIENCE
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.OIDC_PROVIDER_FOLDER}/`);
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));
const [port, audience] = process.argv.slice(2);

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{
    client_id: "ci",
    client_secret: "what only the two know",
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: "client_secret_post",
  }],
  features: {
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        scope: "",
        audience: resource,
        accessTokenTTL: 300,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "RS256" } },
      }),
      defaultResource: () => audience,
    },
  },
});
provider.listen(Number(port), () => console.log("ready"));
