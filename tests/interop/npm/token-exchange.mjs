// oidc-provider with a token-exchange grant, for the benchmark: an assertion and a subject token in, an at+jwt out.
// Everything it remembers, spent assertions too, is in the memory of the process, as it comes.

import cluster from "node:cluster";
import { createServer } from "node:http";

import { createLocalJWKSet, jwtVerify } from "jose";
import Provider, { errors } from "oidc-provider";

import { input, serve, tell } from "./line.mjs";

const GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const PARAMETERS = ["subject_token", "subject_token_type", "resource", "scope"];

function providerOf({ issuer, key, client, partner, target, mapping }) {
  const server = { scope: target.scope, audience: target.resource, accessTokenTTL: 300, accessTokenFormat: "jwt" };
  const resourceServer = (ctx, resource) => {
    if (resource !== target.resource) throw new errors.InvalidTarget();
    return { ...server, jwt: { sign: { alg: "ES256" } } };
  };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.client_id,
        jwks: client.jwks,
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: "ES256",
        id_token_signed_response_alg: "ES256",
        grant_types: [GRANT],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
    },
    scopes: target.scope.split(" "),
    jwks: { keys: [key] },
  });
  const trusted = createLocalJWKSet(partner.jwks);
  const conditions = { issuer: partner.issuer, audience: issuer, algorithms: ["RS256"], requiredClaims: ["sub", "exp"] };

  async function subjectOf({ subject_token, subject_token_type }) {
    if (subject_token_type !== ACCESS_TOKEN) throw new errors.InvalidRequest("subject_token_type is not supported");
    try {
      return (await jwtVerify(subject_token, trusted, conditions)).payload;
    } catch (cause) {
      throw new errors.InvalidRequest("subject_token is not acceptable", undefined, { cause });
    }
  }

  async function exchange(ctx) {
    const { client, params } = ctx.oidc;
    const subject = await subjectOf(params);
    const info = resourceServer(ctx, params.resource);
    const worth = new Set(`${subject.scope}`.split(" ").flatMap((name) => mapping[name] ?? []));
    const scope = `${params.scope}`.split(" ").filter((name) => worth.has(name)).join(" ");
    if (!scope) throw new errors.InvalidScope("nothing of the requested scope can be granted", params.scope);
    const token = new provider.AccessToken({ accountId: subject.sub, client, gty: "token_exchange", scope });
    token.resourceServer = new provider.ResourceServer(params.resource, info);
    ctx.oidc.entity("AccessToken", token);
    ctx.body = {
      access_token: await token.save(),
      issued_token_type: ACCESS_TOKEN,
      token_type: token.tokenType,
      expires_in: token.expiration,
      scope,
    };
  }

  provider.registerGrantType(GRANT, exchange, PARAMETERS);
  return createServer(provider.callback());
}

if (cluster.isWorker) {
  process.once("message", (told) => providerOf(told).listen(told.port, "127.0.0.1"));
} else {
  const told = await input();
  if (told.processes === 1) {
    serve(providerOf(told), told.port);
  } else {
    cluster.setupPrimary({ stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const workers = Array.from({ length: told.processes }, () => cluster.fork());
    const listening = workers.map((worker) => new Promise((resolve) => worker.once("listening", resolve)));
    for (const worker of workers) worker.send(told);
    await Promise.all(listening);
    tell({ port: told.port });
    process.stdin.on("close", () => process.exit(0)).resume();
  }
}
