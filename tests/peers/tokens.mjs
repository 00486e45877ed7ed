// SPDX-License-Identifier: Apache-2.0
//
// tokens.mjs - official clients that have an API key of the gateway get session tokens for it by themselves, by what its
//              metadata says, and others when those have ended
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { ClientCredentialsProvider as ProviderV1 } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { ClientCredentialsProvider as ProviderV2 } from '@modelcontextprotocol/client';

import { Gateway, test, want } from './gateway.mjs';

// A server with one tool.
async function startServer() {
	const server = createServer((q, s) => {
		let body = '';

		q.on('data', part => { body += part; });
		q.on('end', () => {
			const m = q.method === 'POST' ? JSON.parse(body) : {};
			const result = { initialize: { protocolVersion: '2025-06-18', capabilities: { tools: {} },
			    serverInfo: { name: 'one', version: '1' } }, 'tools/list': { tools: [{ name: 'look',
			    inputSchema: { type: 'object' } }] }, 'tools/call': { content: [{ type: 'text', text: 'did look' }] } }[m.method];

			if (q.method !== 'POST')
				s.writeHead(405).end();
			else if (m.id === undefined)
				s.writeHead(202).end();
			else
				s.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: m.id,
					...(result ? { result } : { error: { code: -32601, message: 'Method not found' } }) }));
		});
	});
	await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
	return { url: `http://127.0.0.1:${server.address().port}/mcp`, stop: () => server.closeAllConnections() ?? server.close() };
}

export async function tokenTests(build, clients) {
	const server = await startServer();
	const gateway = new Gateway(build, { one: { type: 'http', url: server.url } },
	    { agents: { peer: { allow: { servers: ['one'], tools: { one: ['*'] } } } } },
	    { token_endpoint: 'yes', token_time: '4s', workers: 4 });
	const conf = join(gateway.etc, 'mcpgw.conf');

	try {
		await gateway.start();
		writeFileSync(conf, `${readFileSync(conf, 'utf8')}public_url = ${gateway.url}\n`);
		gateway.ctl('reload');
		for (const kind of clients.filter(k => !k.at))
			await test(`${kind.name}: gets session tokens for a key by itself, one after the other`, async () => {
				const name = `key of ${kind.name}`;
				const key = gateway.ctl('key', 'add', '--agent', 'peer', '--name', name).trim();
				const Provider = kind.name.startsWith('v1') ? ProviderV1 : ProviderV2;
				const provider = new Provider({ clientId: name, clientSecret: key, expectedIssuer: gateway.url });
				const client = kind.make();
				const first = () => provider.tokens()?.access_token;

				await client.connect(new kind.transport(new URL(`${gateway.url}/servers/one/mcp`), { authProvider: provider }));
				try {
					const token = first();

					want(token?.startsWith('eyJ'), 'there is no session token');
					want(JSON.stringify(await client.callTool({ name: 'look', arguments: {} })).includes('did look'), 'no call');
					await new Promise(resolve => setTimeout(resolve, 4200));
					want(JSON.stringify(await client.callTool({ name: 'look', arguments: {} })).includes('did look'), 'no call');
					want(first() !== token, 'it is the same token');
					/* Nobody has it any more, and nobody gets another one. */
					gateway.ctl('key', 'revoke', name);
					await client.callTool({ name: 'look', arguments: {} }).then(() => want(false, 'a revoked key was served'),
					    e => want(!/was served/.test(String(e)), e));
				} finally {
					await client.close().catch(() => {});
				}
			});
		await test('session tokens: whose they were is in the audit', async () => {
			const rows = gateway.ctl('--json', 'audit', 'list').trim().split('\n').map(line => JSON.parse(line));

			want(rows.some(r => r.kind === 'session' && r.how === 'key' && r.principal.startsWith('key of v')), rows.at(-1));
			want(rows.some(r => r.object === 'look' && r.outcome === 'ok' && /^key of v.* \([0-9a-f]{32}\)$/.test(r.principal)),
			    rows.at(-1));
		});
	} finally {
		await gateway.stop();
		server.stop();
	}
}
