// oidc-provider: a partner's identity provider that nobody here wrote. Its clients get JWT access tokens for our audience.

import { createServer } from "node:http";

import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

import { input, serve } from "./line.mjs";

const { port, audience, lifetime, client_id, client_secret } = await input();
const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const key = { ...(await exportJWK(privateKey)), alg: "RS256", use: "sig", kid: "partner-1" };
const server = { scope: "settle:write", audience, accessTokenTTL: lifetime, accessTokenFormat: "jwt" };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id, client_secret, grant_types: ["client_credentials"], redirect_uris: [], response_types: [] }],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: { enabled: true, getResourceServerInfo: () => ({ ...server, jwt: { sign: { alg: "RS256" } } }) },
  },
  extraTokenClaims: () => ({ tier: "gold" }),
  scopes: ["settle:write"],
  jwks: { keys: [key] },
});
serve(createServer(provider.callback()), port);
