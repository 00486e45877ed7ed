// SPDX-License-Identifier: Apache-2.0
//
// resume.mjs - official clients whose connections break in the midst of a call, and who come back by themselves
import { connect, createServer } from 'node:net';

import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

import { test, want } from './gateway.mjs';

const steps = 6;
const slow = { name: 'trigger-long-running-operation', arguments: { duration: 3, steps } };

// Between a client and the gateway; cut() breaks all that is open, and is followed by good connections.
class Relay {
	constructor(target) {
		this.sockets = new Set();
		this.breaks = 0;
		this.server = createServer(from => {
			const to = connect(Number(target.port), target.hostname);

			for (const [a, b] of [[from, to], [to, from]]) {
				this.sockets.add(a);
				a.pipe(b);
				a.on('error', () => {});
				a.on('close', () => {
					this.sockets.delete(a);
					b.destroy();
				});
			}
		});
	}

	async listen() {
		await new Promise(resolve => this.server.listen(0, '127.0.0.1', resolve));
		return `http://127.0.0.1:${this.server.address().port}`;
	}

	cut() {
		this.breaks++;
		for (const socket of this.sockets)
			socket.destroy();
	}

	close() {
		this.cut();
		this.server.close();
	}
}

async function withRelay(gateway, kind, key, fn) {
	const relay = new Relay(new URL(gateway.url));
	const url = await relay.listen();
	const client = kind.make();

	try {
		await client.connect(new kind.transport(new URL(`${url}/servers/everything/mcp`),
		    { requestInit: { headers: { Authorization: `Bearer ${key}` } } }));
		await fn(client, relay);
	} finally {
		await client.close();
		relay.close();
	}
}

// Cut at these notes of progress: each comes once and in order, and so does the result.
async function checkCut(call, client, relay, at) {
	const heard = [];
	const options = {
		onprogress: ({ progress }) => {
			heard.push(progress);
			if (at.includes(progress))
				relay.cut();
		},
	};
	const result = await call(client, slow, options);
	want(JSON.stringify(result.content).includes('completed'), result);
	want(heard.join() === [...Array(steps).keys()].map(i => i + 1).join(), `heard ${heard}`);
	want(relay.breaks === at.length, `cut ${relay.breaks} times`);
}

// Nothing is said but the answer: what took long can be come back for.
async function checkSilent(call, client, relay) {
	const timer = setTimeout(() => relay.cut(), 1800);

	try {
		const result = await call(client, slow, {});
		want(JSON.stringify(result.content).includes('completed'), result);
		want(relay.breaks === 1, 'was not cut');
	} finally {
		clearTimeout(timer);
	}
}

export async function resumeTests(gateway, clients, key) {
	for (const kind of clients.filter(c => c.resumes)) {
		await test(`${kind.name}: a call outlives its connection`, () => withRelay(gateway, kind, key,
		    (client, relay) => checkCut(kind.resumes, client, relay, [1])));
		await test(`${kind.name}: a call outlives two of them`, () => withRelay(gateway, kind, key,
		    (client, relay) => checkCut(kind.resumes, client, relay, [2, 5])));
		await test(`${kind.name}: a silent call outlives its connection`, () => withRelay(gateway, kind, key,
		    (client, relay) => checkSilent(kind.resumes, client, relay)));
	}
	const kind = clients[0];
	await test(`${kind.name}: hears of changes after a break`, () => withRelay(gateway, kind, key, async (client, relay) => {
		let changes = 0;

		client.setNotificationHandler(ToolListChangedNotificationSchema, () => { changes++; });
		await client.listTools();
		relay.cut();
		await new Promise(resolve => setTimeout(resolve, 300));
		gateway.ctl('reload');
		for (let i = 0; i < 100 && changes === 0; i++)
			await new Promise(resolve => setTimeout(resolve, 100));
		want(changes === 1, `${changes} changes`);
		// The stream that told of it has ended with the old policy; the next one is there by itself.
		await new Promise(resolve => setTimeout(resolve, 2500));
		gateway.ctl('reload');
		for (let i = 0; i < 100 && changes === 1; i++)
			await new Promise(resolve => setTimeout(resolve, 100));
		want(changes === 2, `${changes} changes`);
	}));
}
