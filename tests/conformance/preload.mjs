// SPDX-License-Identifier: Apache-2.0
//
// preload.mjs - what a program that knows neither keys nor loopback is given before it starts
//
// The suite has no option for a credential, so each request it makes to CONFORMANCE_ORIGIN gets one,
// whatever in it speaks HTTP.  It and other gateways listen on every address; here on loopback only.
import diagnostics from 'node:diagnostics_channel';
import http from 'node:http';
import net from 'node:net';

const origin = process.env.CONFORMANCE_ORIGIN;
const credential = `Bearer ${process.env.CONFORMANCE_KEY}`;

if (origin) {
	// Both node's own fetch and the undici package publish here.
	diagnostics.subscribe('undici:request:create', ({ request }) => {
		if (String(request.origin) === origin)
			request.addHeader('authorization', credential);
	});
	const plain = http.request;
	http.request = (options, ...rest) => {
		const request = plain(options, ...rest);

		if (`http://${options.hostname}:${options.port}` === origin)
			request.setHeader('authorization', credential);
		return request;
	};
}

// Where listen() ends up, without the lookup of a name: the suite asks for the port at once.
const listen = net.Server.prototype._listen2;
if (!listen)
	throw new Error('this node listens in another way');
net.Server.prototype._listen2 = function (address, port, type, ...rest) {
	const everywhere = port >= 0 && (!address || address === '::' || address === '0.0.0.0');

	return listen.call(this, everywhere ? '127.0.0.1' : address, port, everywhere ? 4 : type, ...rest);
};
