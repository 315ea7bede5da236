// openid-client: a token exchange with private_key_jwt, bound to a key if asked; then introspection and revocation.

import { importJWK } from "jose";
import * as client from "openid-client";

import { attempt, input, tell } from "./line.mjs";

const { issuer, algorithm, client_id, key, parameters, dpop, gateway } = await input();
const insecure = { execute: [client.allowInsecureRequests], algorithm };
const signing = { key: await importJWK(key, "ES256"), kid: key.kid };
const configuration = await client.discovery(new URL(issuer), client_id, {}, client.PrivateKeyJwt(signing), insecure);
const asking = await client.discovery(
  new URL(issuer), gateway.client_id, {}, client.ClientSecretBasic(gateway.client_secret), insecure,
);
const calls = [];
configuration[client.customFetch] = async (url, options) => {
  const answer = await fetch(url, options);
  calls.push({ status: answer.status, nonce: answer.headers.has("dpop-nonce") });
  return answer;
};

const handle = dpop ? client.getDPoPHandle(configuration, await client.randomDPoPKeyPair("ES256")) : undefined;
const grant = "urn:ietf:params:oauth:grant-type:token-exchange";
const exchanged = await attempt(() => client.genericGrantRequest(configuration, grant, parameters, { DPoP: handle }));
const result = { exchanged, calls: [...calls], thumbprint: await handle?.calculateThumbprint() };
if (exchanged.value) {
  const token = exchanged.value.access_token;
  result.before = await client.tokenIntrospection(asking, token);
  result.revoked = await attempt(() => client.tokenRevocation(configuration, token));
  result.after = await client.tokenIntrospection(asking, token);
}
tell(result);
