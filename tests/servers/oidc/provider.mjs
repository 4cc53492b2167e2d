// A provider of OpenID Connect for tests: PORT, and a file that says who is there, with their groups. The keys are
// new with each start. Whoever logs in with any password is who they say, as its own pages for development have it.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import Provider from "oidc-provider";

const [port, file] = process.argv.slice(2);
const { clients, people, idTokenHasAll } = JSON.parse(readFileSync(file, "utf8"));
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), alg: "RS256", use: "sig" };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  jwks: { keys: [key] },
  cookies: { keys: [randomUUID()] },
  pkce: { required: () => true },
  claims: {
    openid: ["sub"],
    profile: ["preferred_username", "given_name", "family_name", "groups"],
    email: ["email"],
  },
  // Where it is true, tokens have what belongs to `openid` alone, and the rest is told to who asks.
  conformIdTokenClaims: !idTokenHasAll,
  findAccount: (_, sub) => {
    const person = people[sub];
    return person && { accountId: sub, claims: () => ({ sub, ...person }) };
  },
  // Nobody is asked whether Weir may know who they are.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});
provider.on("server_error", (_, error) => console.error(error));
provider.listen(Number(port), "127.0.0.1");
