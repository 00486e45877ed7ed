// SPDX-License-Identifier: Apache-2.0
//
// gateways.mjs - mcpgw and others from npm, started so that the same client can open sessions with the same tools
//
// Each answers { pids, target(tool), stop(), command }: its own processes' roots; where a client finds that tool.
import { spawn } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePort, Gateway } from './gateway.mjs';

const SESSION_MS = 5000;		// after so long an abandoned session is over, where that can be set
const START_MS = 20000;

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

// tools: { name: { args, isolation } }; program: their executable.
async function mcpgw({ build, program, tools }) {
	const servers = Object.fromEntries(Object.entries(tools).map(([name, t]) =>
	    [name, { command: program, args: t.args, isolation: t.isolation ?? 'session', timeout_ms: 20000 }]));
	const g = new Gateway(build, servers, { agents: { a: { allow: { servers: ['*'], tools: { '*': ['*'] } } } } },
	    { idle_stop: '2s', session_idle: `${SESSION_MS / 1000}s`, admin_listen: '' });

	await g.start();
	const key = g.ctl('key', 'add', '--agent', 'a').trim();
	return {
		pids: [g.process.pid], log: () => g.log(), gateway: g,
		target: name => ({ url: `${g.url}/servers/${name}/mcp`, key, tool: 'anything' }),
		stop: () => g.stop(),
	};
}

async function answers(url) {
	for (const end = Date.now() + START_MS; Date.now() < end; await sleep(50))
		try {
			const r = await fetch(url, { method: 'OPTIONS', signal: AbortSignal.timeout(1000) });

			await r.body?.cancel();
			return;
		} catch {}
	throw new Error(`nobody answers at ${url}`);
}

function run(dir, name, argv, env = {}) {
	const log = openSync(join(dir, `${name}.log`), 'a');
	const p = spawn(process.execPath, argv, { stdio: ['ignore', log, log], cwd: dir,
	    env: { ...process.env, HOME: dir, XDG_STATE_HOME: dir, XDG_CONFIG_HOME: dir, XDG_DATA_HOME: dir, ...env } });

	p.done = new Promise(resolve => p.on('exit', resolve));
	return p;
}

async function end(processes) {
	for (const p of processes)
		p.kill('SIGTERM');
	const timer = setTimeout(() => processes.forEach(p => p.kill('SIGKILL')), 8000);
	await Promise.all(processes.map(p => p.done));
	clearTimeout(timer);
}

// One process of it for each tool, as it takes one command.
function oneEach(argvOf) {
	return async ({ modules, dir, program, tools }) => {
		const at = {}, processes = [];

		for (const [name, t] of Object.entries(tools)) {
			const port = await freePort();
			const p = run(dir, name, argvOf(modules, port, [program, ...t.args]));

			at[name] = `http://127.0.0.1:${port}/mcp`;
			processes.push(p);
			await answers(at[name]);
		}
		return {
			pids: processes.map(p => p.pid), log: () => Object.keys(tools).map(n => readFileSync(join(dir, `${n}.log`), 'utf8')).join('\n'),
			target: name => ({ url: at[name], tool: 'anything' }),
			stop: () => end(processes),
		};
	};
}

async function mcpHub({ modules, dir, program, tools }) {
	const port = await freePort(), config = join(dir, 'hub.json');

	writeFileSync(config, JSON.stringify({ mcpServers: Object.fromEntries(Object.entries(tools).map(([name, t]) =>
	    [name, { command: program, args: t.args }])) }));
	const p = run(dir, 'hub', [join(modules, 'mcp-hub/dist/cli.js'), '--port', String(port), '--config', config]);
	const url = `http://127.0.0.1:${port}/mcp`;
	await answers(url);
	await sleep(3000);			// it starts its servers meanwhile
	return {
		pids: [p.pid], log: () => readFileSync(join(dir, 'hub.log'), 'utf8'),
		target: name => ({ url, sse: true, tool: `${name}__anything` }),
		stop: () => end([p]),
	};
}

const supergateway = (modules, port, command) => [join(modules, 'supergateway/dist/index.js'), '--stdio',
    command.join(' '), '--outputTransport', 'streamableHttp', '--stateful', '--sessionTimeout', String(SESSION_MS),
    '--port', String(port), '--logLevel', 'none'];
const mcpProxy = (modules, port, command) => [join(modules, 'mcp-proxy/dist/bin/mcp-proxy.mjs'), '--host', '127.0.0.1',
    '--port', String(port), '--server', 'stream', '--sessionIdleTimeout', String(SESSION_MS), '--', ...command];

export const gateways = {
	mcpgw: { start: mcpgw, command: `idle_stop = 2s, session_idle = ${SESSION_MS / 1000}s; isolation: session` },
	supergateway: { start: oneEach(supergateway),
	    command: `supergateway --stdio TOOL --outputTransport streamableHttp --stateful --sessionTimeout ${SESSION_MS}` },
	'mcp-proxy': { start: oneEach(mcpProxy), shares: true,
	    command: `mcp-proxy --server stream --sessionIdleTimeout ${SESSION_MS} -- TOOL` },
	'mcp-hub': { start: mcpHub, shares: true, command: 'mcp-hub --port PORT --config FILE' },
};
