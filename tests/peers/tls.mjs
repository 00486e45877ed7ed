// SPDX-License-Identifier: Apache-2.0
//
// tls.mjs - official clients over https, with what `mcpgwctl certs dev` makes and node's own way of trusting it
//
// The authority was made before this process began, since node reads NODE_EXTRA_CA_CERTS at its start alone.
import { cpSync } from 'node:fs';
import { join } from 'node:path';

import { Gateway, test, want } from './gateway.mjs';

const allow = { allow: { servers: ['*'], tools: { '*': ['*'] } } };

// servers: as of a servers file; call: what is called at the server of that name; each: a function of a client.
export async function tlsTests(build, servers, call, clients, each) {
	const made = process.env.TLS_CERTS;

	if (!made)
		return;
	const gateway = new Gateway(build, servers, { agents: { peer: allow } },
	    { listen: '127.0.0.1:0 tls', tls_certificates: 'dev' });

	cpSync(made, join(gateway.etc, 'certs'), { recursive: true });
	await gateway.start();
	const key = gateway.ctl('key', 'add', '--agent', 'peer').trim();
	const name = Object.keys(servers)[0];

	for (const kind of clients)
		await test(`${kind.name} over https`, () => each(kind, `${gateway.url}/servers/${name}/mcp`, key, async client => {
			const { tools } = await client.listTools();
			want(tools.some(t => t.name === call.tool), JSON.stringify(tools.map(t => t.name)));
			for (let i = 0; i < 5; i++) {
				const result = await client.callTool({ name: call.tool, arguments: call.args });
				want(JSON.stringify(result.content).includes(call.answer), JSON.stringify(result));
			}
		}));
	await gateway.stop();
}
