// express-oauth2-jwt-bearer: a resource server of a few lines, configured with our issuer and its own audience.

import express from "express";
import { auth, requiredScopes } from "express-oauth2-jwt-bearer";

import { input, serve } from "./line.mjs";

const { issuer, jwks_uri, audience, scope } = await input();
const app = express();
app.use(auth({ issuer, jwksUri: jwks_uri, audience, tokenSigningAlg: "ES256", strict: true, clockTolerance: 0 }));
app.get("/accounts", requiredScopes(scope), (request, response) => response.json(request.auth.payload));
app.use((error, _request, response, _next) => {
  response.status(error.status ?? 500).set(error.headers ?? {}).json({ error: error.code, text: error.message });
});
serve(app);
