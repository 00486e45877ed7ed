// SPDX-License-Identifier: Apache-2.0
//
// stdio.mjs - official clients that start a command: mcpgw-stdio, before the same gateway
import { join } from 'node:path';

import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';

import { test, want } from './gateway.mjs';

const info = { name: 'peer', version: '1' };
const kinds = [
	{ name: 'v1 sdk', make: () => new ClientV1(info), Transport: StdioV1 },
	...[['v2 legacy', 'legacy'], ['v2 modern', { pin: '2026-07-28' }], ['v2 auto', 'auto']].map(([name, mode]) => ({
		name, make: () => new ClientV2(info, { versionNegotiation: { mode } }), Transport: StdioV2,
	})),
];

async function withClient(gateway, kind, args, fn) {
	const client = kind.make();
	const transport = new kind.Transport({ command: join(gateway.build, 'bin/mcpgw-stdio'),
	    args: ['-c', gateway.etc, ...args], stderr: 'pipe' });
	let said = '';

	transport.stderr?.on('data', data => { said += data; });
	await client.connect(transport);
	try {
		await fn(client);
	} finally {
		const began = Date.now();

		await client.close();
		want(Date.now() - began < 1500, 'it did not end with its stdin');
	}
	want(said === '', `stderr: ${said}`);
}

const textOf = result => JSON.stringify(result.content);

// servers: name -> { tool, args, answer }
export async function stdioTests(gateway, servers) {
	for (const kind of kinds) {
		await test(`${kind.name} over mcpgw-stdio: lists and calls`, () => withClient(gateway, kind, [], async client => {
			const names = (await client.listTools()).tools.map(t => t.name);

			for (const [name, { tool, args, answer }] of Object.entries(servers)) {
				want(names.includes(`${name}__${tool}`), `${name}__${tool} is not in ${names}`);
				const result = await client.callTool({ name: `${name}__${tool}`, arguments: args });
				want(!result.isError && textOf(result).includes(answer), textOf(result));
			}
		}));
		for (const [name, { tool, args, answer }] of Object.entries(servers).slice(0, 1)) {
			await test(`${kind.name} over mcpgw-stdio: --server ${name}, 20 at once`, () => withClient(gateway, kind,
			    ['--server', name], async client => {
				const results = await Promise.all(Array.from({ length: 20 }, () =>
				    client.callTool({ name: tool, arguments: args })));

				for (const result of results)
					want(!result.isError && textOf(result).includes(answer), textOf(result));
			}));
			await test(`${kind.name} over mcpgw-stdio: an error is the gateway's`, () => withClient(gateway, kind,
			    ['--server', name], async client => {
				const e = await client.callTool({ name: 'no-such-tool', arguments: {} }).catch(x => x);

				want(e.code === -32602, String(e?.stack ?? JSON.stringify(e)));
			}));
		}
	}
}
