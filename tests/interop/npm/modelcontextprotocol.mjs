// @modelcontextprotocol/client: its cross-application exchange, and client credentials with private_key_jwt.

import * as mcp from "@modelcontextprotocol/client";

import { attempt, input, tell } from "./line.mjs";

const { issuer, cross_application, credentials } = await input();
if (cross_application) {
  const { id_token, client_id, client_secret, audience, resource } = cross_application;
  const asked = { idToken: id_token, clientId: client_id, clientSecret: client_secret, audience, resource };
  tell(await attempt(() => mcp.discoverAndRequestJwtAuthGrant({ idpUrl: issuer, ...asked })));
} else {
  const { client_id, key, scope, resource } = credentials;
  const metadata = await mcp.discoverAuthorizationServerMetadata(issuer);
  const known = { clientId: client_id, privateKey: key, algorithm: "ES256", scope, expectedIssuer: issuer };
  const provider = new mcp.PrivateKeyJwtProvider(known);
  tell(await attempt(() => mcp.fetchToken(provider, issuer, { metadata, resource, scope })));
}
