// SPDX-License-Identifier: Apache-2.0
//
// userlogin.mjs - official clients that can show a link are sent one by a server whose "auth" is of each user, and call it
//                 when their user has been there
import { createServer } from 'node:http';

import { AuthServer } from './authserver.mjs';
import { Gateway, test, want } from './gateway.mjs';

// A server that wants a token of the authorization server's, and says who each call was made as.
async function startServer(as) {
	let url;
	const server = createServer((q, s) => {
		let body = '';

		q.on('data', part => { body += part; });
		q.on('end', () => {
			const token = /^Bearer (.+)$/.exec(q.headers.authorization ?? '')?.[1];
			const json = (status, what, more = {}) =>
			    s.writeHead(status, { 'content-type': 'application/json', ...more }).end(JSON.stringify(what));

			if (q.url.startsWith('/.well-known/oauth-protected-resource'))
				return json(200, { resource: url, authorization_servers: [as.issuer] });
			if (!token)
				return json(401, {}, { 'www-authenticate': `Bearer resource_metadata="${new URL('/.well-known/oauth-protected-resource/mcp', url)}"` });
			if (q.method !== 'POST')
				return s.writeHead(405).end();
			const m = JSON.parse(body);
			if (m.id === undefined)
				return s.writeHead(202).end();
			const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
			const result = { initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} },
			    serverInfo: { name: 'personal', version: '1' } },
			'tools/list': { tools: [{ name: 'whoami', inputSchema: { type: 'object' } }] },
			'tools/call': { content: [{ type: 'text', text: `jti ${claims.jti}` }] } }[m.method];
			json(200, { jsonrpc: '2.0', id: m.id, ...(result ? { result } : { error: { code: -32601, message: 'Method not found' } }) });
		});
	});
	await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
	url = `http://127.0.0.1:${server.address().port}/mcp`;
	return { url, stop: () => { server.closeAllConnections(); server.close(); } };
}

// As the user's browser: reads the page, says yes, is sent to the authorization server, and comes back.
async function visit(url) {
	const page = await (await fetch(url)).text();
	const ticket = /name="ticket" value="([^"]+)"/.exec(page)?.[1];
	want(ticket && page.includes('That is me'), page);
	const origin = new URL(url).origin;
	const began = await fetch(new URL('/login', url), { method: 'POST', redirect: 'manual', headers: { origin },
		body: new URLSearchParams({ ticket }) });
	want(began.status === 303, `${began.status}: ${await began.text()}`);
	const asked = await fetch(began.headers.get('location'), { redirect: 'manual' });
	want(asked.status === 302, `the authorization server answered ${asked.status}: ${await asked.text()}`);
	const back = asked.headers.get('location');
	want(back.startsWith(`${origin}/login/done?`), back);
	const done = await fetch(back, { headers: { cookie: began.headers.get('set-cookie').split(';')[0] } });
	want(done.status === 200 && (await done.text()).includes('You are logged in'), `${done.status}`);
}

export async function userLoginTests(build, clients, elicitSchema) {
	const as = new AuthServer();
	await as.start();
	const server = await startServer(as);
	const gateway = new Gateway(build, { personal: { type: 'http', url: server.url,
		auth: { grant: 'authorization_code', per: 'user' } } },
	{ agents: { peer: { allow: { servers: ['personal'], tools: { personal: ['*'] } } } } });
	const shown = new Set();
	try {
		await gateway.start();
		for (const kind of clients.filter(k => !k.at))
			await test(`${kind.name}: is sent a link, and calls when its user has logged in`, async () => {
				const key = gateway.ctl('key', 'add', '--agent', 'peer', '--name', kind.name.replaceAll(' ', '-')).trim();
				const client = kind.make({ capabilities: { elicitation: { url: {}, form: {} } } });
				let visited = 0;

				client.setRequestHandler(kind.name.startsWith('v1') ? elicitSchema : 'elicitation/create', async request => {
					want(request.params.mode === 'url' && request.params.message.startsWith('personal: '), request.params);
					await visit(request.params.url);
					visited++;
					return { action: 'accept' };
				});
				await client.connect(new kind.transport(new URL(`${gateway.url}/servers/personal/mcp`),
				    { requestInit: { headers: { authorization: `Bearer ${key}` } } }));
				try {
					let result;
					try {
						result = await client.callTool({ name: 'whoami', arguments: {} });
					} catch (e) {
						want(e.code === -32042 && e.data.elicitations.length === 1, e);
						want(e.data.elicitations[0].elicitationId, e.data);
						await visit(e.data.elicitations[0].url);
						visited++;
						result = await client.callTool({ name: 'whoami', arguments: {} });
					}
					const text = JSON.stringify(result);
					want(visited === 1 && text.includes('jti '), text);
					want(!shown.has(text), 'that is the token of another user');
					shown.add(text);
				} finally {
					await client.close();
				}
			});
		await test('nobody knows of a token whose it is not', async () => {
			want(shown.size === clients.filter(k => !k.at).length, `${shown.size}`);
			want(!/eyJ|jti/.test(gateway.log()), 'a token is in the log');
		});
	} finally {
		await gateway.stop();
		await as.stop();
		server.stop();
	}
}
