// SPDX-License-Identifier: Apache-2.0
//
// oauth.mjs - official clients of both generations and eras find their way to a token by themselves, ask for more when it
//             is too little, and refresh it; and what a server behind the gateway sees of that: nothing
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { AuthServer } from './authserver.mjs';
import { Gateway, test, want } from './gateway.mjs';

const BACK = 'http://127.0.0.1:9/callback';

// A server that notes the headers of each request.
async function startServer() {
	const seen = [];
	const tools = ['look', 'change'].map(name => ({ name, inputSchema: { type: 'object' } }));
	const server = createServer((q, s) => {
		let body = '';

		seen.push(q.rawHeaders.join('\n'));
		q.on('data', part => { body += part; });
		q.on('end', () => {
			const m = q.method === 'POST' ? JSON.parse(body) : {};
			const result = { initialize: { protocolVersion: '2025-06-18', capabilities: { tools: {} },
			    serverInfo: { name: 'noting', version: '1' } }, 'tools/list': { tools },
			    'tools/call': { content: [{ type: 'text', text: `did ${m.params?.name}` }] } }[m.method];

			if (q.method !== 'POST')
				s.writeHead(405).end();
			else if (m.id === undefined)
				s.writeHead(202).end();
			else
				s.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: m.id,
					...(result ? { result } : { error: { code: -32601, message: 'Method not found' } }) }));
		});
	});
	await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
	return { seen, url: `http://127.0.0.1:${server.address().port}/mcp`, stop: () => server.closeAllConnections() ?? server.close() };
}

// What an application keeps for its client; the user's browser is a fetch.
class Provider {
	constructor(grants) {
		this.grants = grants;
	}

	get redirectUrl() {
		return BACK;
	}

	get clientMetadata() {
		return { client_name: 'peer', redirect_uris: [BACK], grant_types: this.grants,
			response_types: ['code'], token_endpoint_auth_method: 'none' };
	}

	clientInformation() {
		return this.client;
	}

	saveClientInformation(client) {
		this.client = client;
	}

	tokens() {
		return this.given;
	}

	saveTokens(tokens) {
		this.given = tokens;
	}

	saveCodeVerifier(verifier) {
		this.verifier = verifier;
	}

	codeVerifier() {
		return this.verifier;
	}

	saveDiscoveryState(state) {
		this.discovered = state;
	}

	discoveryState() {
		return this.discovered;
	}

	async redirectToAuthorization(url) {
		const r = await fetch(url, { redirect: 'manual' });

		want(r.status === 302, `the authorization server answered ${r.status}: ${await r.text()}`);
		this.back = new URL(r.headers.get('location')).searchParams;
	}

	// Whether somebody was sent there, and came back.
	async finish(transport) {
		const back = this.back;

		if (!back)
			return false;
		this.back = undefined;
		await transport.finishAuth(back.get('code'), back.get('iss'));
		return true;
	}
}

async function connect(kind, url, provider) {
	for (let i = 0; ; i++) {
		const client = kind.make();
		const transport = new kind.transport(new URL(kind.at?.(url) ?? url), { authProvider: provider });

		try {
			await client.connect(transport);
			return { client, transport };
		} catch (e) {
			if (i === 2 || !await provider.finish(transport))
				throw e;
		}
	}
}

const scopesOf = provider => JSON.parse(Buffer.from(provider.given.access_token.split('.')[1], 'base64url')).scope;

export async function oauthTests(build, clients) {
	const server = await startServer();
	const as = new AuthServer();
	await as.start();
	const gateway = new Gateway(build, { noting: { type: 'http', url: server.url } },
	    { agents: { peer: { allow: { servers: ['noting'], tools: { noting: ['*'] } } } } });
	const conf = join(gateway.etc, 'mcpgw.conf');
	try {
		await gateway.start();
		writeFileSync(join(gateway.etc, 'keys.json'), JSON.stringify(as.jwks));
		writeFileSync(join(gateway.etc, 'issuers.json'), JSON.stringify({
			scopes: { look: { tools: { noting: ['look'] } }, change: { servers: ['noting'], advertise: false } },
			issuers: { [as.issuer]: { keys_file: 'keys.json', agent: 'peer', type: 'at+jwt', skew: '0' } },
		}));
		writeFileSync(conf, `${readFileSync(conf, 'utf8')}public_url = ${gateway.url}\n`);
		gateway.ctl('reload');

		for (const kind of clients)
			for (const path of ['/mcp', '/servers/noting/mcp']) {
				const tool = name => path === '/mcp' ? `noting__${name}` : name;

				await test(`${kind.name}: gets a token for ${path} by itself, and more of it when it needs more`, async () => {
					// With a refresh token the SDK of generation 1 asks that for more, which gives none.
					const provider = new Provider(['authorization_code']);
					const { client, transport } = await connect(kind, gateway.url + path, provider);

					try {
						want(scopesOf(provider) === 'look', `asked for ${scopesOf(provider)}`);
						const { tools } = await client.listTools();
						want(tools.some(t => t.name === tool('look')) && !tools.some(t => t.name === tool('change')),
						    JSON.stringify(tools));
						const looked = await client.callTool({ name: tool('look'), arguments: {} });
						want(JSON.stringify(looked).includes('did look'), looked);
						const refused = await client.callTool({ name: tool('change'), arguments: {} }).then(() => null, e => e);
						want(refused !== null, 'what needs another scope was done');
						// The SDK's clients of HTTP+SSE ask for no more scopes.
						if (kind.at)
							return;
						want(await provider.finish(transport), `no step-up: ${refused}`);
						want(scopesOf(provider).split(' ').includes('change'), `asked for ${scopesOf(provider)}`);
						const changed = await client.callTool({ name: tool('change'), arguments: {} });
						want(JSON.stringify(changed).includes('did change'), changed);
					} finally {
						await client.close();
					}
				});
			}
		await test('oauth: a token that ends is refreshed on the way', async () => {
			for (const kind of clients.filter(k => !k.at)) {
				as.lifetime = 3;
				const provider = new Provider(['authorization_code', 'refresh_token']);
				const { client } = await connect(kind, `${gateway.url}/mcp`, provider);
				const first = provider.given.access_token;

				/* The next one is to last, however slow the machine is. */
				as.lifetime = 300;
				await new Promise(resolve => setTimeout(resolve, 3200));
				const looked = await client.callTool({ name: 'noting__look', arguments: {} });
				want(JSON.stringify(looked).includes('did look') && provider.given.access_token !== first, kind.name);
				await client.close();
			}
		});
		await test('oauth: nothing of it reaches the server behind', async () => {
			want(server.seen.length > 10, `${server.seen.length} requests`);
			const of = server.seen.filter(h => /authorization|bearer|eyJ|ann/i.test(h));
			want(of.length === 0, of[0]);
		});
		await test('oauth: whose token it was is in the audit', async () => {
			const rows = gateway.ctl('--json', 'audit', 'list').trim().split('\n').map(line => JSON.parse(line));

			want(rows.some(r => r.object === 'change' && r.outcome === 'ok' && r.principal === `ann at ${as.issuer}`), rows.at(-1));
			want(rows.some(r => r.object === 'change' && r.error === 'INSUFFICIENT_SCOPE' && r.status === 403), rows.at(-1));
			want(!JSON.stringify(rows).includes('eyJ'), 'a token is in the audit');
		});
	} finally {
		await gateway.stop();
		await as.stop();
		server.stop();
	}
}
