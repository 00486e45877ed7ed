// SPDX-License-Identifier: Apache-2.0
//
// client.mjs - an MCP client that opens a session, calls, and goes away without a word
//
// Streamable HTTP, or HTTP+SSE for those who speak only that.  It shares no line with an SDK: what it does when is
// what is tested.
import { Agent, request } from 'node:http';

const OFFERED = '2025-06-18';
const PATIENCE_MS = 20000;

function messages(text) {
	const out = [];

	for (const line of text.split('\n'))
		if (line.startsWith('data:') || line.startsWith('{'))
			try {
				out.push(JSON.parse(line.replace(/^data:/, '')));
			} catch {}
	return out;
}

export class Client {
	constructor(url, { key, sse } = {}) {
		this.url = new URL(url);
		this.sse = sse;
		this.agent = new Agent({ keepAlive: true, maxSockets: 4 });
		this.headers = key ? { Authorization: `Bearer ${key}` } : {};
		this.id = 0;
		this.waiting = new Map();
	}

	// Answers { status, headers, text }; `text` may still be coming when it is an event stream.
	send(method, url, body, onChunk) {
		return new Promise((resolve, reject) => {
			const r = request(url, { method, agent: this.agent, timeout: PATIENCE_MS, headers: { ...this.headers,
			    Accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
			    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) } }, answer => {
				let text = '';

				answer.setEncoding('utf8');
				answer.on('data', chunk => {
					text += chunk;
					if (onChunk?.(text))
						text = '';
				});
				answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
				answer.on('error', reject);
			});

			r.on('error', reject);
			r.on('timeout', () => r.destroy(new Error(`no answer in ${PATIENCE_MS / 1000} s`)));
			r.end(body);
		});
	}

	async post(message) {
		const body = JSON.stringify(message);

		if (!this.sse)
			return this.send('POST', this.url, body);
		const answered = message.id === undefined ? null : new Promise((resolve, reject) => {
			const timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);

			this.waiting.set(message.id, { resolve, reject, timer });
		}).finally(() => {
			clearTimeout(this.waiting.get(message.id).timer);
			this.waiting.delete(message.id);
		});

		answered?.catch(() => {});
		const r = await this.send('POST', this.endpoint, body);
		if (r.status >= 300 || answered === null)
			return r;
		return { status: 200, headers: {}, text: JSON.stringify(await answered) };
	}

	async ask(method, params) {
		const id = ++this.id;
		const r = await this.post({ jsonrpc: '2.0', id, method, params });
		const answer = messages(r.text).find(m => m.id === id);

		if (r.status !== 200 || answer === undefined)
			throw new Error(`${method}: status ${r.status}: ${r.text.slice(0, 200)}`);
		if (answer.error || answer.result?.isError)
			throw new Error(`${method}: ${JSON.stringify(answer).slice(0, 300)}`);
		return { answer, headers: r.headers };
	}

	// The stream of HTTP+SSE: its first event says where messages go.
	async listen() {
		await new Promise((resolve, reject) => {
			this.send('GET', this.url, undefined, text => {
				const at = /event: *endpoint\r?\ndata: *(\S+)/.exec(text);

				if (at) {
					this.endpoint = new URL(at[1], this.url);
					resolve();
					return true;
				}
				if (!text.endsWith('\n\n') && !text.endsWith('\r\n\r\n'))
					return false;
				for (const m of messages(text))
					this.waiting.get(m.id)?.resolve(m);
				return true;
			}).then(() => { throw new Error('the stream ended'); }).catch(e => {
				reject(e);
				this.giveUp(e);
			});
		});
	}

	async open() {
		if (this.sse)
			await this.listen();
		const { answer, headers } = await this.ask('initialize', { protocolVersion: OFFERED, capabilities: {},
		    clientInfo: { name: 'leaver', version: '1' } });

		if (headers['mcp-session-id'])
			this.headers['Mcp-Session-Id'] = headers['mcp-session-id'];
		this.headers['MCP-Protocol-Version'] = answer.result.protocolVersion;
		await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
	}

	call(name) {
		return this.ask('tools/call', { name, arguments: {} });
	}

	giveUp(why) {
		for (const w of this.waiting.values())
			w.reject(why);
	}

	// No DELETE, no cancellation: the connections are gone.
	leave() {
		this.agent.destroy();
		this.giveUp(new Error('its client left'));
	}
}
