// jose: a resource server that verifies tokens with our published keys, found by their address.

import { createRemoteJWKSet, jwtVerify } from "jose";

import { attempt, input, tell } from "./line.mjs";

const { jwks_uri, checks } = await input();
const keys = createRemoteJWKSet(new URL(jwks_uri));
const results = [];
for (const { token, expected } of checks) {
  results.push(await attempt(async () => (await jwtVerify(token, keys, expected)).payload));
}
tell(results);
