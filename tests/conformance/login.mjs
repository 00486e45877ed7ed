// SPDX-License-Identifier: Apache-2.0
//
// login.mjs - the operator of a gateway whose server wants tokens: "auth" for each scenario of the suite, and a browser
//             that goes where `mcpgwctl server login` says
import { spawn } from 'node:child_process';
import { join } from 'node:path';

// What the operator knows before: as the suite's context has it.  Where that does not say whose a secret is, the suite
// has no other issuer than the server's.
export function authOf(scenario, c) {
	switch (scenario) {
	case 'auth/pre-registration':
		return { grant: 'authorization_code', issuer: c.issuer, client_id: c.client_id, client_secret: c.client_secret };
	case 'auth/client-credentials-basic':
		return { grant: 'client_credentials', issuer: '*', client_id: c.client_id, client_secret: c.client_secret };
	case 'auth/client-credentials-jwt':
		return { grant: 'client_credentials', client_id: c.client_id, private_key: c.private_key_pem,
		    algorithm: c.signing_algorithm };
	case 'auth/enterprise-managed-authorization':
		return { grant: 'token_exchange', issuer: '*', client_id: c.client_id, client_secret: c.client_secret,
		    token_endpoint: c.idp_token_endpoint, token_endpoint_client_id: c.idp_client_id, subject_token: c.idp_id_token,
		    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
		    requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag' };
	case 'auth/wif-jwt-bearer':
		return { grant: 'jwt_bearer', issuer: '*', client_id: c.client_id, subject_token: c.valid_jwt };
	default:
		return { grant: 'authorization_code', client_metadata: 'https://conformance-test.local/client-metadata.json' };
	}
}

// -> what mcpgwctl said, or undefined when it succeeded
function login(gateway) {
	return new Promise(resolve => {
		const child = spawn(join(gateway.build, 'bin/mcpgwctl'), ['-c', gateway.etc, 'server', 'login', 'suite', '--no-browser']);
		let out = '', said = '', gone = false;

		child.stdout.setEncoding('utf8').on('data', text => {
			out += text;
			const [, url] = out.match(/^(http\S+)\n/m) ?? [];

			if (!url || gone)
				return;
			gone = true;
			fetch(url).then(r => r.text()).catch(e => console.error(`client: the browser: ${e.message}`));
		});
		child.stderr.setEncoding('utf8').on('data', text => { said += text; });
		child.on('close', code => resolve(code === 0 ? undefined : said.trim() || `exit ${code}`));
	});
}

// What a client of the gateway does, and its operator whenever the gateway asks for one.
export async function withLogins(gateway, connect) {
	for (let i = 0; i < 4; i++) {
		try {
			const client = await connect();

			const { tools } = await client.listTools();
			// Why a server lists nothing is the operator's to know.
			if (tools.length === 0)
				throw new Error(gateway.ctl('server', 'show', 'suite'));
			const { isError, content } = await client.callTool({ name: tools[0].name, arguments: {} });
			if (isError)
				throw new Error(content[0]?.text);
			// Servers change their minds after the first.
			await client.callTool({ name: tools[0].name, arguments: {} }).then(r => {
				if (r.isError)
					throw new Error(r.content[0]?.text);
			});
			await client.close();
			return;
		} catch (e) {
			console.error(`client: ${e.message}`);
			if (!/server login/.test(e.message))
				return;
		}
		const why = await login(gateway);

		if (why) {
			console.error(`client: login: ${why}`);
			return;
		}
	}
}
