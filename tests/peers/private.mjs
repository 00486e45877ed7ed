// SPDX-License-Identifier: Apache-2.0
//
// private.mjs - official clients that start mcpgw-stdio with seed 001's files: it brings a gateway of its own
import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';

import { test, want } from './gateway.mjs';

const info = { name: 'peer', version: '1' };
const kinds = [
	{ name: 'v1 sdk', make: () => new ClientV1(info), Transport: StdioV1 },
	{ name: 'v2 sdk', make: () => new ClientV2(info, { versionNegotiation: { mode: 'auto' } }), Transport: StdioV2 },
];
const rules = {
	agents: {
		researcher: { allow: { servers: ['clock'], tools: { clock: ['n*'] } } },
		'team.backend': { allow: { servers: ['*'], tools: { '*': ['*'] } }, deny: { tools: { clock: ['add'] } } },
	},
	defaults: { deny_on_missing_agent: true },
};

function folders(build) {
	const dir = mkdtempSync(join(tmpdir(), 'mcpgw-peer-'));

	// Root's gateway compiles and runs tools as other users.
	chmodSync(dir, 0o755);
	for (const name of ['home', 'run'])
		mkdirSync(join(dir, name), { mode: 0o755 });
	writeFileSync(join(dir, '.mcp.json'), JSON.stringify({ mcpServers: {
		clock: { command: join(build, 'demo/mcpgw-demo-clock'), args: [] },
		other: { command: join(build, 'demo/mcpgw-demo-clock'), description: 'The same again' },
	} }));
	writeFileSync(join(dir, '.mcp-gateway-rules.json'), JSON.stringify(rules));
	return dir;
}

const textOf = result => result.content[0].text;

export async function privateTests(build) {
	for (const kind of kinds)
		await test(`${kind.name} over mcpgw-stdio with a gateway of its own`, async () => {
			const dir = folders(build), client = kind.make();
			const transport = new kind.Transport({ command: join(build, 'bin/mcpgw-stdio'), args: [], cwd: dir,
			    stderr: 'pipe', env: { PATH: process.env.PATH, HOME: join(dir, 'home'),
			    GATEWAY_MCP_CONFIG: './.mcp.json', GATEWAY_RULES: './.mcp-gateway-rules.json',
			    GATEWAY_AUDIT_LOG: './logs/audit.jsonl', MCPGW_RUN_DIR: join(dir, 'run'),
			    MCPGW_STATE_DIR: join(dir, 'home/state') } });
			const call = (name, args) => client.callTool({ name, arguments: args });
			let said = '';

			transport.stderr?.on('data', data => { said += data; });
			try {
				await client.connect(transport);
				const names = (await client.listTools()).tools.map(t => t.name).join();
				want(names === 'list_servers,get_server_tools,execute_tool', names);
				const servers = JSON.parse(textOf(await call('list_servers', { agent_id: 'researcher' })));
				want(servers.length === 1 && servers[0].name === 'clock' && servers[0].transport === 'stdio',
				    JSON.stringify(servers));
				const tools = await call('get_server_tools', { agent_id: 'researcher', server: 'clock' });
				want(tools.structuredContent.returned === 1 && tools.structuredContent.tools[0].name === 'now',
				    textOf(tools));
				const sum = await call('execute_tool', { agent_id: 'team.backend', server: 'other', tool: 'add',
				    args: { a: 2, b: 40 } });
				want(!sum.isError && textOf(sum) === '42', textOf(sum));
				const no = await call('execute_tool', { agent_id: 'team.backend', server: 'clock', tool: 'add',
				    args: { a: 2, b: 40 } });
				want(no.isError && no.structuredContent.error.rule === 'agents.team.backend.deny.tools.clock[0]',
				    textOf(no));
				await client.close();
				for (let i = 0; i < 100 && readdirSync(join(dir, 'run')).length > 0; i++)
					await new Promise(resolve => setTimeout(resolve, 100));
				want(readdirSync(join(dir, 'run')).length === 0, 'a folder is left');
				const lines = readFileSync(join(dir, 'logs/audit.jsonl'), 'utf8').trim().split('\n').map(JSON.parse);
				want(lines.filter(l => l.decision === 'DENY' && l.operation === 'execute_tool').length === 1,
				    JSON.stringify(lines));
			} catch (e) {
				throw new Error(`${e.stack}\nstderr: ${said}`);
			} finally {
				await client.close().catch(() => {});
				rmSync(dir, { recursive: true, force: true });
			}
		});
}
