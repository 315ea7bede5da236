// oauth4webapi: discovery, a token exchange bound to a key, its checks as a resource server, signed introspection, revocation.

import { importJWK } from "jose";
import * as oauth from "oauth4webapi";

import { attempt, input, tell } from "./line.mjs";

const { issuer, client_id, key, parameters, audience, other_audience, gateway } = await input();
const insecure = { [oauth.allowInsecureRequests]: true };
const place = new URL(issuer);
const found = await oauth.discoveryRequest(place, { algorithm: "oauth2", ...insecure });
const server = await oauth.processDiscoveryResponse(place, found);
const client = { client_id };
const resource = { client_id: gateway.client_id, introspection_signed_response_alg: "ES256" };
const secret = oauth.ClientSecretPost(gateway.client_secret);
const authentication = oauth.PrivateKeyJwt({ key: await importJWK(key, "ES256"), kid: key.kid });
const pair = await oauth.generateKeyPair("ES256");
const proof = oauth.DPoP(client, pair);
const grant = "urn:ietf:params:oauth:grant-type:token-exchange";

async function exchange(DPoP) {
  const options = { DPoP, ...insecure };
  const answer = await oauth.genericTokenEndpointRequest(server, client, authentication, grant, parameters, options);
  return oauth.processGenericTokenEndpointResponse(server, client, answer);
}

async function introspect(token, signed) {
  const asked = signed ? resource : { client_id: gateway.client_id };
  const options = { requestJwtResponse: signed, ...insecure };
  const answer = await oauth.introspectionRequest(server, asked, secret, token, options);
  const type = answer.headers.get("content-type");
  const members = await oauth.processIntrospectionResponse(server, asked, answer);
  if (signed) await oauth.validateApplicationLevelSignature(server, answer, insecure);
  return { type, members };
}

// The library's RFC 9068 checks of a request that carries the token, with a proof for it unless it comes as Bearer.
function validate(token, expected, scheme) {
  return attempt(async () => {
    const url = new URL("https://resource.example/accounts");
    const headers = new Headers({ authorization: `${scheme} ${token}` });
    if (scheme === "DPoP") await proof.addProof(url, headers, "GET", token);
    return oauth.validateJwtAccessToken(server, new Request(url, { headers }), expected, insecure);
  });
}

const bound = await attempt(() => exchange(proof));
const result = { bound };
if (bound.value) {
  const token = bound.value.access_token;
  result.thumbprint = await proof.calculateThumbprint();
  result.accepted = await validate(token, audience, "DPoP");
  result.elsewhere = await validate(token, other_audience, "DPoP");
  result.as_bearer = await validate(token, audience, "Bearer");
  result.plain = await introspect(token, false);
  result.signed = await introspect(token, true);
  const revoked = await oauth.revocationRequest(server, client, authentication, token, insecure);
  result.revoked = await attempt(() => oauth.processRevocationResponse(revoked));
  result.after = await introspect(token, true);
}
tell(result);
