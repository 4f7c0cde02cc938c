// SPDX-License-Identifier: Apache-2.0
// oidc-provider from npm, over TLS on loopback, as strict as it goes: PKCE is demanded, codes serve once, a refresh
// token is replaced at each use, and one that comes a second time ends the whole grant. Access tokens live for seconds.
//
//   node server.mjs ISSUER CERTIFICATE KEY CLIENTS.json READY.json EVENTS.jsonl
//
// Writes READY.json when it listens, a line of EVENTS.jsonl for each token request, and ends with its parent: when its
// input closes.
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [issuer, certificate, key, clients, ready, events] = process.argv.slice(2);
// From where npm installed it, which is not beside this file.
const from = createRequire(`${process.cwd()}/package.json`);
const { default: Provider } = await import(pathToFileURL(from.resolve('oidc-provider')).href);

const provider = new Provider(issuer, {
  clients: JSON.parse(readFileSync(clients, 'utf8')),
  pkce: { methods: ['S256'], required: () => true },
  scopes: ['openid', 'offline_access', 'email'],
  claims: { openid: ['sub'], email: ['email', 'name'] },
  ttl: { AccessToken: 2, AuthorizationCode: 60, RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600, IdToken: 60 },
  rotateRefreshToken: true,
  cookies: { keys: ['only-for-a-test'] },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.com`, name: `Account ${id}` }),
  }),
});

const note = (what) => appendFileSync(events, `${JSON.stringify(what)}\n`);
const about = (ctx) => ({
  grant: ctx.oidc.params?.grant_type,
  client: ctx.oidc.client?.clientId,
  basic: /^basic /i.test(ctx.get('authorization')),
});
provider.on('grant.success', (ctx) => note({ ...about(ctx), done: true }));
provider.on('grant.error', (ctx, error) => note({ ...about(ctx), done: false, error: error.error, why: error.error_detail }));
provider.on('grant.revoked', (ctx, id) => note({ revoked: id }));
provider.on('server_error', (ctx, error) => note({ trouble: String(error.stack) }));

const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, provider.callback());
server.listen(0, '127.0.0.1', () => {
  writeFileSync(`${ready}.part`, JSON.stringify({ address: `127.0.0.1:${server.address().port}`, node: process.version }));
  renameSync(`${ready}.part`, ready);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
