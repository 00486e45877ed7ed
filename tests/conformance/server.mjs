// SPDX-License-Identifier: Apache-2.0
//
// server.mjs - an MCP server with every name that the official suite's server scenarios ask for
//
//   server.mjs --stdio [--era both|modern|legacy]
//   server.mjs --http PORT [--era both|modern|legacy] [--token T]
//
// It speaks 2026-07-28 (modern) and the 2025 revisions (legacy).  Over HTTP it listens on loopback,
// prints its URL, and ends when its standard input does, so that it never outlives who started it.
import http from 'node:http';
import { randomBytes, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';

import { extensions, serveTasks, tools as taskTools } from './tasks.mjs';

const need = createRequire(import.meta.url);
const S = need('@modelcontextprotocol/server');
const { McpServer, ResourceTemplate, fromJsonSchema, inputRequired, inputResponse } = S;

const arg = (name, dflt) => {
	const i = process.argv.indexOf(name);
	return i < 0 ? dflt : process.argv[i + 1];
};
const ERA = arg('--era', 'both');
const TOKEN = arg('--token', '');
const PORT = arg('--http');
const LABEL = arg('--name', 'conformance-fixture');
const log = (...a) => process.env.FIXTURE_VERBOSE && console.error(`[${LABEL}]`, ...a);
const nap = ms => new Promise(r => setTimeout(r, ms));

// 1x1 PNG and an empty 8 kHz WAV, made here
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==';
const WAV = (() => {
	const b = Buffer.alloc(44);
	b.write('RIFF', 0); b.writeUInt32LE(36, 4); b.write('WAVEfmt ', 8);
	b.writeUInt32LE(16, 16); b.writeUInt16LE(1, 20); b.writeUInt16LE(1, 22);
	b.writeUInt32LE(8000, 24); b.writeUInt32LE(8000, 28); b.writeUInt16LE(1, 32); b.writeUInt16LE(8, 34);
	b.write('data', 36);
	return b.toString('base64');
})();

const say = (...parts) => ({ content: parts.map(p => (typeof p === 'string' ? { type: 'text', text: p } : p)) });
const image = { type: 'image', data: PNG, mimeType: 'image/png' };
const obj = (properties = {}, required) => ({ type: 'object', properties, ...(required ? { required } : {}) });
const str = { type: 'string' };

// ---- state shared by every instance in this process
const seen = { calls: 0, cancelled: 0, progressTokens: 0, headers: {}, subscribed: [] };
const codec = S.createRequestStateCodec({ key: randomBytes(32) });
const live = new Set();      // connected legacy/stdio McpServer instances
let modern;                  // the HTTP modern handler, for notify

function announce(kind) {
	const sdk = { tools: 'sendToolListChanged', prompts: 'sendPromptListChanged', resources: 'sendResourceListChanged' };
	modern?.notify[`${kind}Changed`]();
	for (const m of live) { try { m[sdk[kind]](); } catch (e) { log(e.message); } }
}

// ---- asking the client: pushed on a 2025 connection, input_required on 2026-07-28
const ask = {
	name: () => inputRequired.elicit({ message: 'What is your name?', requestedSchema: obj({ name: str }, ['name']) }),
	think: (text, maxTokens) => inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens }),
	roots: () => inputRequired.listRoots(),
	form: (message, requestedSchema) => inputRequired.elicit({ message, requestedSchema }),
};
const got = (ctx, key, kind) => {
	const r = inputResponse(ctx.mcpReq.inputResponses, key);
	return r.kind === kind ? r : undefined;
};
const isModern = ctx => ctx.mcpReq.envelope !== undefined;
const clientCaps = ctx => ctx.mcpReq.envelope?.['io.modelcontextprotocol/clientCapabilities'] ?? {};
const spoken = r => {
	const c = r?.result?.content ?? r?.content;
	return (Array.isArray(c) ? c : [c]).map(x => x?.text ?? '').join('');
};

const defaultsForm = obj({
	name: { ...str, description: 'Your name', default: 'John Doe' },
	age: { type: 'integer', description: 'Your age', default: 30 },
	score: { type: 'number', description: 'Your score', default: 95.5 },
	status: { ...str, enum: ['active', 'inactive', 'pending'], default: 'active' },
	verified: { type: 'boolean', default: true },
});
const titled = ws => ['value1', 'value2', 'value3'].map((v, i) => ({ const: v, title: `${['First', 'Second', 'Third'][i]} ${ws}` }));
const enumForm = obj({
	untitledSingle: { ...str, enum: ['option1', 'option2', 'option3'] },
	titledSingle: { ...str, oneOf: titled('Option') },
	legacyEnum: { ...str, enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
	untitledMulti: { type: 'array', items: { ...str, enum: ['option1', 'option2', 'option3'] } },
	titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
});
const formTool = (message, form, done) => async (a, ctx) => {
	const m = typeof message === 'function' ? message(a) : message;
	if (!isModern(ctx)) {
		const r = await ctx.mcpReq.elicitInput({ message: m, requestedSchema: form });
		return say(done(r.action, r.content));
	}
	const r = got(ctx, 'answer', 'elicit');
	return r ? say(done(r.action, r.content)) : inputRequired({ inputRequests: { answer: ask.form(m, form) } });
};

// name -> [description, inputSchema, handler]
const tools = {
	test_simple_text: ['plain text', obj(), () => say('This is a simple text response for testing.')],
	test_image_content: ['an image', obj(), () => say(image)],
	test_audio_content: ['a sound', obj(), () => say({ type: 'audio', data: WAV, mimeType: 'audio/wav' })],
	test_embedded_resource: ['an embedded resource', obj(), () => say({
		type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' } })],
	test_multiple_content_types: ['text, image and resource', obj(), () => say('Multiple content types test:', image, {
		type: 'resource', resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: JSON.stringify({ test: 'data', value: 123 }) } })],
	test_error_handling: ['always fails', obj(), () => { throw new Error('This tool intentionally returns an error for testing'); }],
	test_tool_with_logging: ['logs three times', obj(), async (_, ctx) => {
		for (const line of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
			await ctx.mcpReq.log('info', line); await nap(50);
		}
		return say('logged three lines');
	}],
	test_logging_tool: ['logs once', obj(), async (_, ctx) => { await ctx.mcpReq.log('info', 'one line'); return say('logged'); }],
	test_tool_with_progress: ['reports 0, 50, 100', obj(), async (_, ctx) => {
		const progressToken = ctx.mcpReq._meta?.progressToken;
		if (progressToken !== undefined) seen.progressTokens++;
		for (const progress of [0, 50, 100]) {
			if (progressToken !== undefined)
				await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100, message: `at ${progress}` } });
			if (progress < 100) await nap(50);
		}
		return say(`progress token was ${String(progressToken)}`);
	}],
	test_sampling: ['asks the model', obj({ prompt: str }, ['prompt']), async (a, ctx) => {
		if (!isModern(ctx)) {
			const r = await ctx.mcpReq.requestSampling({ messages: [{ role: 'user', content: { type: 'text', text: a.prompt } }], maxTokens: 100 });
			return say(`LLM response: ${spoken(r)}`);
		}
		const r = got(ctx, 'answer', 'sampling');
		return r ? say(`LLM response: ${spoken(r)}`) : inputRequired({ inputRequests: { answer: ask.think(a.prompt, 100) } });
	}],
	test_elicitation: ['asks the user', obj({ message: str }, ['message']), formTool(a => a.message,
		obj({ username: { ...str, description: "User's response" }, email: { ...str, description: "User's email address" } }, ['username', 'email']),
		(action, content) => `User response: action=${action}, content=${JSON.stringify(content ?? {})}`)],
	test_elicitation_sep1034_defaults: ['form with defaults', obj(), formTool('Please review and update the form fields with defaults', defaultsForm,
		(action, content) => `Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`)],
	test_elicitation_sep1330_enums: ['form with enums', obj(), formTool('Please select options from the enum fields', enumForm,
		(action, content) => `Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`)],
	test_reconnection: ['drops its own stream half way', obj(), async (_, ctx) => {
		ctx.http?.closeSSE?.();
		await nap(100);
		return say('Reconnection test completed');
	}],
	json_schema_2020_12_tool: ['JSON Schema 2020-12 keywords must survive', {
		$schema: 'https://json-schema.org/draft/2020-12/schema',
		type: 'object',
		$defs: { address: { $anchor: 'addressDef', type: 'object', properties: { street: str, city: str } } },
		properties: {
			name: str, address: { $ref: '#/$defs/address' }, contactMethod: { ...str, enum: ['phone', 'email'] }, phone: str, email: str,
		},
		allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
		if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
		then: { required: ['phone'] }, else: { required: ['email'] },
		additionalProperties: false,
	}, a => say(JSON.stringify(a))],
	test_x_mcp_header: ['mirrors a parameter in Mcp-Param-Region', obj({ region: { ...str, 'x-mcp-header': 'Region' } }, ['region']), a => say(`region ${a.region}`)],

	// --- 2026-07-28 only
	test_missing_capability: ['needs the sampling capability', obj(), async (_, ctx) => {
		const question = { messages: [{ role: 'user', content: { type: 'text', text: 'Anything?' } }], maxTokens: 10 };
		if (!isModern(ctx)) {
			await ctx.mcpReq.requestSampling(question);
			return say('you can sample');
		}
		const r = got(ctx, 'thought', 'sampling');   // the SDK itself answers -32021 when the client cannot sample
		return r ? say('you can sample') : inputRequired({ inputRequests: { thought: inputRequired.createMessage(question) } });
	}],
	test_streaming_elicitation: ['progress first, then asks', obj(), async (_, ctx) => {
		const progressToken = ctx.mcpReq._meta?.progressToken;
		if (progressToken !== undefined) await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
		const r = got(ctx, 'user_name', 'elicit');
		return r ? say(`hello ${r.content?.name}`) : inputRequired({ inputRequests: { user_name: ask.name() } });
	}],
	test_trigger_tool_change: ['announces a changed tool list', obj(), () => { announce('tools'); return say('announced'); }],
	test_trigger_prompt_change: ['announces a changed prompt list', obj(), () => { announce('prompts'); return say('announced'); }],
	test_input_required_result_elicitation: ['one form', obj(), (_, ctx) => {
		const r = got(ctx, 'user_name', 'elicit');
		return typeof r?.content?.name === 'string' ? say(`Hello, ${r.content.name}!`) : inputRequired({ inputRequests: { user_name: ask.name() } });
	}],
	test_input_required_result_sampling: ['one sampling', obj(), (_, ctx) => {
		const r = got(ctx, 'capital_question', 'sampling');
		return r ? say(spoken(r)) : inputRequired({ inputRequests: { capital_question: ask.think('What is the capital of France?', 100) } });
	}],
	test_input_required_result_list_roots: ['one roots/list', obj(), (_, ctx) => {
		const r = got(ctx, 'client_roots', 'roots');
		return r ? say('roots: ' + JSON.stringify(r.roots ?? r.result?.roots)) : inputRequired({ inputRequests: { client_roots: ask.roots() } });
	}],
	test_input_required_result_request_state: ['form and state', obj(), async (_, ctx) => {
		const state = ctx.mcpReq.requestState();
		if (got(ctx, 'confirm', 'elicit') && state?.at === 'confirm') return say('state-ok');
		return inputRequired({ inputRequests: { confirm: ask.form('Please confirm', obj({ ok: { type: 'boolean' } }, ['ok'])) },
			requestState: await codec.mint({ at: 'confirm' }) });
	}],
	test_input_required_result_multiple_inputs: ['three questions at once', obj(), async (_, ctx) => {
		const all = [got(ctx, 'user_name', 'elicit'), got(ctx, 'greeting', 'sampling'), got(ctx, 'client_roots', 'roots')];
		if (all.every(Boolean) && ctx.mcpReq.requestState()?.at === 'many') return say('all three answered');
		return inputRequired({ inputRequests: { user_name: ask.name(), greeting: ask.think('Generate a greeting', 50), client_roots: ask.roots() },
			requestState: await codec.mint({ at: 'many' }) });
	}],
	test_input_required_result_multi_round: ['two rounds', obj(), async (_, ctx) => {
		const at = ctx.mcpReq.requestState()?.at;
		if (at === 2 && got(ctx, 'step2', 'elicit')) return say(`done: ${got(ctx, 'step2', 'elicit').content?.color}`);
		if (at === 1 && got(ctx, 'step1', 'elicit'))
			return inputRequired({ inputRequests: { step2: ask.form('Step 2: What is your favorite color?', obj({ color: str }, ['color'])) },
				requestState: await codec.mint({ at: 2 }) });
		return inputRequired({ inputRequests: { step1: ask.form('Step 1: What is your name?', obj({ name: str }, ['name'])) },
			requestState: await codec.mint({ at: 1 }) });
	}],
	test_input_required_result_tampered_state: ['sealed state', obj(), async (_, ctx) => {
		if (ctx.mcpReq.requestState()?.at === 'sealed') return say('state untouched');
		return inputRequired({ inputRequests: { confirm: ask.form('Please confirm', obj({ ok: { type: 'boolean' } }, ['ok'])) },
			requestState: await codec.mint({ at: 'sealed' }) });
	}],
	test_input_required_result_capabilities: ['asks only what the client can answer', obj(), (_, ctx) => {
		const caps = clientCaps(ctx), inputRequests = {};
		if (caps.elicitation) inputRequests.who = ask.name();
		if (caps.sampling) inputRequests.capital = ask.think('What is the capital of France?', 100);
		if (caps.roots) inputRequests.where = ask.roots();
		const answered = Object.keys(ctx.mcpReq.inputResponses ?? {}).length;
		return answered || !Object.keys(inputRequests).length ? say(`answered ${answered}`) : inputRequired({ inputRequests });
	}],
};

Object.assign(tools, taskTools({ obj, str, got, ask, inputRequired }));

const prompts = {
	test_simple_prompt: ['no arguments', null, () => ['This is a simple prompt for testing.']],
	test_prompt_with_arguments: ['two arguments', ['arg1', 'arg2'], a => [`Prompt with arguments: arg1='${a.arg1}', arg2='${a.arg2}'`]],
	test_prompt_with_embedded_resource: ['embeds a resource', ['resourceUri'], a => [
		{ type: 'resource', resource: { uri: a.resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' } },
		'Please process the embedded resource above.']],
	test_prompt_with_image: ['an image', null, () => [image, 'Please analyze the image above.']],
	test_input_required_result_prompt: ['asks before it answers', null, (_, ctx) => {
		const r = got(ctx, 'user_context', 'elicit');
		return typeof r?.content?.context === 'string' ? [`Use this context: ${r.content.context}`]
			: inputRequired({ inputRequests: { user_context: ask.form('What context should the prompt use?', obj({ context: str }, ['context'])) } });
	}],
};

function build() {
	const m = new McpServer({ name: LABEL, version: '1.0.0' }, {
		capabilities: { tools: { listChanged: true }, prompts: { listChanged: true }, resources: { listChanged: true, subscribe: true }, logging: {}, completions: {}, extensions },
		instructions: 'Fixture server.',
		requestState: { verify: codec.verify },
	});
	for (const [name, [description, schema, run]] of Object.entries(tools))
		m.registerTool(name, { description, inputSchema: fromJsonSchema(schema) }, (a, ctx) => { seen.calls++; return run(a, ctx); });
	serveTasks(m, S);

	const text = (uri, mimeType, t) => ({ contents: [{ uri: String(uri), mimeType, text: t }] });
	m.registerResource('static-text', 'test://static-text', { description: 'text', mimeType: 'text/plain' },
		u => text(u, 'text/plain', 'This is the content of the static text resource.'));
	m.registerResource('static-binary', 'test://static-binary', { description: 'a png', mimeType: 'image/png' },
		u => ({ contents: [{ uri: String(u), mimeType: 'image/png', blob: PNG }] }));
	m.registerResource('watched', 'test://watched-resource', { description: 'a resource that can change', mimeType: 'text/plain' },
		u => text(u, 'text/plain', 'watched'));
	m.registerResource('template', new ResourceTemplate('test://template/{id}/data', { list: undefined }), { description: 'by id', mimeType: 'application/json' },
		(u, v) => text(u, 'application/json', JSON.stringify({ id: v.id, templateTest: true, data: `Data for ID: ${v.id}` })));

	for (const [name, [description, args, run]] of Object.entries(prompts)) {
		const answer = (a, ctx) => {
			const r = run(a, ctx);
			return Array.isArray(r) ? { messages: r.map(c => ({ role: 'user', content: typeof c === 'string' ? { type: 'text', text: c } : c })) } : r;
		};
		const argsSchema = args && fromJsonSchema(obj(Object.fromEntries(args.map(k => [k, { ...str, description: k }])), args));
		m.registerPrompt(name, { description, ...(argsSchema ? { argsSchema } : {}) }, argsSchema ? answer : ctx => answer({}, ctx));
	}

	m.server.setRequestHandler('completion/complete', r => {
		const all = ['paris', 'park', 'party', 'london'].filter(w => w.startsWith(r.params.argument.value));
		return { completion: { values: all, total: all.length, hasMore: false } };
	});
	m.server.setRequestHandler('resources/subscribe', r => { seen.subscribed.push(r.params.uri); return {}; });
	m.server.setRequestHandler('resources/unsubscribe', r => { seen.subscribed = seen.subscribed.filter(u => u !== r.params.uri); return {}; });
	return m;
}

// ---- stdio
if (process.argv.includes('--stdio')) {
	const { serveStdio } = need('@modelcontextprotocol/server/stdio');
	if (ERA === 'legacy') {
		const { StdioServerTransport } = need('@modelcontextprotocol/server/stdio');
		const m = build();
		live.add(m);
		await m.connect(new StdioServerTransport());
	} else {
		serveStdio(() => { const m = build(); live.add(m); return m; }, { legacy: ERA === 'modern' ? 'reject' : 'serve', onerror: e => log(e.message) });
	}
}

// ---- HTTP: 2026-07-28 statelessly, the 2025 revisions with sessions and a replayable event log
if (PORT) {
	const { toNodeHandler } = need('@modelcontextprotocol/node');
	modern = S.createMcpHandler(build, { legacy: 'reject', onerror: e => log(e.message) });
	const sessions = new Map();
	const eventLog = () => {
		const rows = [];
		return {
			async storeEvent(streamId, message) { rows.push({ id: `${streamId}/${rows.length}`, streamId, message }); return rows.at(-1).id; },
			async replayEventsAfter(lastId, { send }) {
				const at = rows.findIndex(r => r.id === lastId);
				const { streamId } = rows[at] ?? { streamId: lastId.split('/')[0] };
				for (const r of rows.slice(at + 1)) if (r.streamId === streamId && Object.keys(r.message ?? {}).length) await send(r.id, r.message);
				return streamId;
			},
		};
	};
	const plain = (status, code, message) => new Response(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }),
		{ status, headers: { 'content-type': 'application/json' } });

	async function legacy(request, parsedBody) {
		const id = request.headers.get('mcp-session-id');
		let transport = id && sessions.get(id);
		if (id && !transport) return plain(404, -32001, 'Session not found');
		if (!transport) {
			if (request.method !== 'POST' || !S.isInitializeRequest(parsedBody)) return plain(400, -32000, 'Bad Request: no session');
			const m = build();
			transport = new S.WebStandardStreamableHTTPServerTransport({
				sessionIdGenerator: randomUUID, eventStore: eventLog(), retryInterval: 500,
				onsessioninitialized: sid => { sessions.set(sid, transport); live.add(m); },
				onsessionclosed: sid => { sessions.delete(sid); live.delete(m); },
			});
			await m.connect(transport);
		}
		return transport.handleRequest(request, { parsedBody });
	}

	const handler = {
		async fetch(request, options = {}) {
			const barred = S.hostHeaderValidationResponse(request, S.localhostAllowedHostnames())
				?? S.originValidationResponse?.(request, S.localhostAllowedOrigins());
			if (barred) return barred;
			if (new URL(request.url).pathname !== '/mcp') return new Response('not here', { status: 404 });
			if (TOKEN && request.headers.get('authorization') !== `Bearer ${TOKEN}`)
				return new Response('', { status: 401, headers: { 'www-authenticate': 'Bearer' } });
			let body = options.parsedBody;
			if (request.method === 'POST' && body === undefined) {
				try { body = JSON.parse(await request.clone().text()); } catch { return plain(400, -32700, 'Parse error'); }
			}
			if (ERA === 'legacy' || (ERA === 'both' && await S.isLegacyRequest(request.clone(), body))) return legacy(request, body);
			return modern.fetch(request, { parsedBody: body });
		},
	};
	const listener = http.createServer(toNodeHandler(handler));
	listener.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${listener.address().port}/mcp`));
	process.stdin.on('end', () => process.exit(0)).resume();
}
if (!PORT && !process.argv.includes('--stdio')) {
	console.error('usage: server.mjs --stdio | --http PORT [--era both|modern|legacy] [--token T]');
	process.exit(2);
}
