// SPDX-License-Identifier: Apache-2.0
//
// authserver.mjs - an authorization server for tests: metadata (RFC 8414), dynamic registration (RFC 7591), codes with
//                  PKCE, resource indicators (RFC 8707), refresh tokens; whoever comes is "ann" and consents
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';

const b64 = text => Buffer.from(text).toString('base64url');

export class AuthServer {
	constructor({ lifetime = 300 } = {}) {
		this.lifetime = lifetime;
		this.clients = new Map();
		this.codes = new Map();
		this.refreshes = new Map();
		this.seen = [];			// "METHOD /path", and of tokens what they were given for
		const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
		this.key = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
		this.jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }] };
	}

	async start() {
		this.server = createServer((q, s) => {
			let body = '';

			q.on('data', part => { body += part; });
			q.on('end', () => this.answer(q, s, body));
		});
		await new Promise(resolve => this.server.listen(0, '127.0.0.1', resolve));
		this.issuer = `http://127.0.0.1:${this.server.address().port}`;
	}

	stop() {
		this.server.closeAllConnections();
		return new Promise(resolve => this.server.close(resolve));
	}

	answer(q, s, body) {
		const url = new URL(q.url, this.issuer);
		const json = (status, what) => s.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(what));

		this.seen.push(`${q.method} ${url.pathname}`);
		switch (`${q.method} ${url.pathname}`) {
		case 'GET /.well-known/oauth-authorization-server':
			return json(200, {
				issuer: this.issuer, authorization_endpoint: `${this.issuer}/authorize`,
				token_endpoint: `${this.issuer}/token`, registration_endpoint: `${this.issuer}/register`,
				jwks_uri: `${this.issuer}/jwks`, response_types_supported: ['code'],
				grant_types_supported: ['authorization_code', 'refresh_token'],
				code_challenge_methods_supported: ['S256'], token_endpoint_auth_methods_supported: ['none'],
				authorization_response_iss_parameter_supported: true,
			});
		case 'GET /jwks':
			return json(200, this.jwks);
		case 'POST /register':
			return this.register(JSON.parse(body), json);
		case 'GET /authorize':
			return this.authorize(url.searchParams, s, json);
		case 'POST /token':
			return this.token(new URLSearchParams(body), json);
		default:
			return json(404, { error: 'not_found' });
		}
	}

	register(client, json) {
		const client_id = `client-${randomBytes(8).toString('hex')}`;

		this.clients.set(client_id, client);
		json(201, { ...client, client_id, client_id_issued_at: Math.floor(Date.now() / 1000) });
	}

	authorize(p, s, json) {
		const client = this.clients.get(p.get('client_id'));

		if (!client?.redirect_uris.includes(p.get('redirect_uri')))
			return json(400, { error: 'invalid_client' });
		if (p.get('response_type') !== 'code' || p.get('code_challenge_method') !== 'S256' || !p.get('code_challenge') ||
		    !p.get('resource'))
			return json(400, { error: 'invalid_request' });
		const code = randomBytes(16).toString('hex');
		const back = new URL(p.get('redirect_uri'));
		this.codes.set(code, Object.fromEntries(p));
		back.searchParams.set('code', code);
		back.searchParams.set('iss', this.issuer);
		if (p.get('state'))
			back.searchParams.set('state', p.get('state'));
		s.writeHead(302, { location: back.href }).end();
	}

	token(p, json) {
		let grant;

		if (p.get('grant_type') === 'refresh_token') {
			grant = this.refreshes.get(p.get('refresh_token'));
			this.refreshes.delete(p.get('refresh_token'));
		} else if (p.get('grant_type') === 'authorization_code') {
			grant = this.codes.get(p.get('code'));
			this.codes.delete(p.get('code'));
			if (grant && createHash('sha256').update(p.get('code_verifier') ?? '').digest('base64url') !== grant.code_challenge)
				grant = undefined;
		}
		if (!grant || grant.client_id !== p.get('client_id') || grant.resource !== p.get('resource'))
			return json(400, { error: 'invalid_grant' });
		this.seen.push(`${p.get('grant_type')} ${new URL(grant.resource).pathname} ${grant.scope ?? ''}`);
		const refreshes = this.clients.get(grant.client_id).grant_types?.includes('refresh_token');
		const refresh_token = refreshes ? randomBytes(16).toString('hex') : undefined;
		if (refreshes)
			this.refreshes.set(refresh_token, grant);
		json(200, { access_token: this.issue(grant.resource, grant.scope, grant.client_id), token_type: 'Bearer',
			expires_in: this.lifetime, scope: grant.scope, refresh_token });
	}

	issue(aud, scope, client_id, more = {}) {
		const now = Math.floor(Date.now() / 1000);
		const text = `${b64(JSON.stringify({ alg: 'ES256', kid: 'one', typ: 'at+jwt' }))}.${b64(JSON.stringify({
			iss: this.issuer, aud, sub: 'ann', client_id, scope, iat: now, exp: now + this.lifetime,
			jti: randomBytes(8).toString('hex'), ...more }))}`;

		return `${text}.${sign('sha256', Buffer.from(text), { key: this.key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
	}
}
