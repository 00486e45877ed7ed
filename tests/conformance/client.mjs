// SPDX-License-Identifier: Apache-2.0
//
// client.mjs - the "client" that the suite tests: a gateway with the suite's server behind it, and in
//              front of it an MCP client that makes the gateway do what the scenario asks
//
// The suite starts it as `client.mjs URL`, with the scenario in its environment.  What stands in front
// is strict about as little as it can be: the requests that are judged are the gateway's.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

import { Gateway } from './gateway.mjs';
import { authOf, withLogins } from './login.mjs';

const scenario = process.env.MCP_CONFORMANCE_SCENARIO;
const revision = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION;
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const modern = revision >= '2026-07-28';
const oauth = scenario.startsWith('auth/');
// The suite's servers are kept on IPv4's loopback (preload.mjs); "localhost" may be another.  But what a server is
// called is its identity where tokens are for it.
const upstream = oauth ? process.argv[2] : process.argv[2].replace('//localhost:', '//127.0.0.1:');

const gateway = new Gateway(process.env.CONFORMANCE_BUILD, { suite: { type: 'http', url: upstream,
    ...oauth ? { auth: authOf(scenario, context) } : {} } },
    { agents: { suite: { allow: { servers: ['*'], tools: { '*': ['*'] } } } } }, { drain_timeout: '1s' });

let stopping;
const stop = status => stopping ??= gateway.stop().finally(() => process.exit(status));
process.on('SIGTERM', () => stop(1));		// the suite has lost patience
setTimeout(() => {
	console.error('client: took more than 20 s');
	stop(1);
}, 20000).unref();

async function connect(url, headers) {
	const client = new Client({ name: 'mcpgw-conformance', version: '1' }, {
		capabilities: { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} },
		versionNegotiation: { mode: modern ? { pin: revision } : 'legacy' },
	});

	client.setRequestHandler('elicitation/create', ({ params }) => ({ action: 'accept',
	    content: 'confirmed' in (params.requestedSchema?.properties ?? {}) ? { confirmed: true } : {} }));
	client.setRequestHandler('roots/list', () => ({ roots: [] }));
	client.setRequestHandler('sampling/createMessage', () =>
	    ({ role: 'assistant', model: 'none', content: { type: 'text', text: 'nothing' } }));
	await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
	return client;
}

// A modern request by hand: the official client would itself leave out the tools it finds invalid, and
// the scenario would judge that client and not the gateway.
let id = 0;
async function raw(url, headers, method, params) {
	const meta = { 'io.modelcontextprotocol/protocolVersion': revision, 'io.modelcontextprotocol/clientCapabilities': {} };
	const answer = await fetch(url, { method: 'POST', headers: { ...headers, 'Content-Type': 'application/json',
	    'Accept': 'application/json, text/event-stream', 'MCP-Protocol-Version': revision, 'Mcp-Method': method,
	    ...params.name ? { 'Mcp-Name': params.name } : {}, ...params.arguments?.region ? { 'Mcp-Param-Region': params.arguments.region } : {} },
	    body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params: { ...params, _meta: meta } }) });
	const text = await answer.text();

	if (!text.startsWith('{'))
		throw new Error(`${method}: ${answer.status} ${text.slice(0, 200)}`);
	return JSON.parse(text);
}

// What is not served yet is no reason not to try the next.
async function attempt(what, fn) {
	try {
		return await fn();
	} catch (e) {
		console.error(`client: ${what}: ${e.message}`);
	}
}

const steps = {
	initialize: c => c.listTools(),
	tools_call: async c => {
		await c.listTools();
		await c.callTool({ name: 'add_numbers', arguments: { a: 5, b: 3 } });
	},
	'elicitation-sep1034-client-defaults': async c => {
		await c.listTools();
		await c.callTool({ name: 'test_client_elicitation_defaults', arguments: {} });
	},
	'sse-retry': async c => {
		await c.listTools();
		await c.callTool({ name: 'test_reconnection', arguments: {} });
	},
	'json-schema-2020-12-preservation': async c => {
		const { tools } = await c.listTools();

		await c.callTool({ name: 'json_schema_echo',
		    arguments: { schema: tools.find(t => t.name === 'json_schema_2020_12_tool').inputSchema } });
	},
	'json-schema-ref-no-deref': c => c.listTools(),
	'request-metadata': c => c.listTools(),
	'sep-2322-client-request-state': async c => {
		await c.listTools();
		// At once, so that the unrelated call runs while the others are asked for more.
		const names = ['test_mrtr_echo_state', 'test_mrtr_no_state', 'test_mrtr_unrelated'];
		await Promise.all(names.map(name => attempt(name, () => c.callTool({ name, arguments: {} }))));
		await c.callTool({ name: 'test_mrtr_no_result_type', arguments: {} });
	},
	'http-standard-headers': async c => {
		const { tools } = await c.listTools();

		for (const { name } of tools)
			await c.callTool({ name, arguments: {} });
		await attempt('resources', async () => {
			for (const { uri } of (await c.listResources()).resources)
				await c.readResource({ uri });
		});
		await attempt('prompts', async () => {
			for (const { name } of (await c.listPrompts()).prompts)
				await c.getPrompt({ name });
		});
	},
	'http-custom-headers': async c => {
		await c.listTools();
		for (const call of context.toolCalls)
			await attempt(call.name, () => c.callTool(call));
	},
};

let status = 1;
try {
	await gateway.start();
	const headers = { Authorization: `Bearer ${gateway.ctl('key', 'add', '--agent', 'suite').trim()}` };
	const url = `${gateway.url}/servers/suite/mcp`;

	if (scenario === 'http-invalid-tool-headers') {
		const { result } = await raw(url, headers, 'tools/list', {});

		for (const { name } of result.tools)
			await raw(url, headers, 'tools/call', { name, arguments: name === 'valid_tool' ? { region: 'us-west1' } : {} });
	} else if (oauth) {
		await withLogins(gateway, () => connect(url, headers));
	} else {
		const client = await connect(url, headers);

		await steps[scenario](client);
		await client.close();
	}
	status = 0;
} catch (e) {
	console.error(`client: ${e.message}`);
	if (gateway.process)
		console.error(gateway.log().split('\n').slice(-20).join('\n'));
}
await stop(status);
