// An OpenID provider for the tests: node provider.js PORT KID CALLBACK. Anybody signs in with any password; groups are in PEOPLE.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync, existsSync } from "node:fs";
import Provider from "oidc-provider";

const [port, kid, callback, keys] = process.argv.slice(2);
const PEOPLE = {
  ana: { preferred_username: "ana", email: "ana@example.com", groups: ["ml"] },
  ben: { preferred_username: "ben", email: "ana@example.com", groups: ["reviewers", "ml"] },
  eve: { preferred_username: "eve", groups: [] },
  nog: { preferred_username: "nog" },
};
const groupsNow = () => (existsSync(`${keys}.groups`) ? JSON.parse(readFileSync(`${keys}.groups`)) : {});

const file = `${keys}.${kid}`;
if (!existsSync(file)) {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(file, JSON.stringify({ ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" }));
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: "ostinato", client_secret: "a secret with % and +", redirect_uris: [callback],
    grant_types: ["authorization_code"], response_types: ["code"],
  }],
  claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email"], groups: ["groups"] },
  scopes: ["openid", "profile", "email", "groups"],
  conformIdTokenClaims: false,
  cookies: { keys: ["for tests alone"] },
  features: { devInteractions: { enabled: true } },
  jwks: { keys: [JSON.parse(readFileSync(file))] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id], ...groupsNow()[id] }) }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
