// SPDX-License-Identifier: Apache-2.0
//
// watch.mjs - what /proc says of a gateway's processes and of its tools'
//
// Tools are known by the name of their program, which bears a random part: whoever their parent is now, and in
// whatever session, they are found.
import { readFileSync, readdirSync } from 'node:fs';

function stat(pid) {
	try {
		const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
		const comm = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
		const f = text.slice(text.lastIndexOf(')') + 2).split(' ');

		return { pid, comm, state: f[0], parent: Number(f[1]), started: f[19] };
	} catch {
		return null;			// it ended meanwhile
	}
}

export function all() {
	return readdirSync('/proc').filter(n => /^[0-9]+$/.test(n)).map(n => stat(Number(n))).filter(p => p !== null);
}

// These and everything below them, of one look at all.
export function below(pids, every = all()) {
	const children = new Map();

	for (const p of every)
		children.set(p.parent, [...children.get(p.parent) ?? [], p]);
	const out = every.filter(p => pids.includes(p.pid));
	for (let i = 0; i < out.length; i++)
		out.push(...(children.get(out[i].pid) ?? []).filter(p => !out.includes(p)));
	return out;
}

export const alive = p => {
	const now = stat(p.pid);

	return now !== null && now.started === p.started && now.state !== 'Z' && now.state !== 'X';
};

// KiB of memory that it has for itself, and open descriptors; null where we may not look.
export function weight(p) {
	const out = { pid: p.pid, name: p.comm, kib: null, fds: null };

	try {
		out.kib = Number(/^RssAnon:\s*([0-9]+)/m.exec(readFileSync(`/proc/${p.pid}/status`, 'utf8'))[1]);
		out.fds = readdirSync(`/proc/${p.pid}/fd`).length;
	} catch {}
	return out;
}

// Tools and zombies now: `tool` is the name of the tools' program, `pids` are the gateway's own roots.
export function count(tool, pids) {
	const every = all();
	const tree = below(pids, every);
	const tools = every.filter(p => p.comm === tool);

	return {
		tools: tools.filter(p => p.state !== 'Z').length,
		// Those of pid 1 are what it has not come to yet.
		zombies: new Set([...tree, ...tools].filter(p => p.state === 'Z' && p.parent !== 1).map(p => p.pid)).size,
		daemons: tree.filter(p => p.comm !== tool && p.comm !== 'mcpgw-init' && p.state !== 'Z'),
		tree: tree.filter(p => p.state !== 'Z'),
	};
}
