// SPDX-License-Identifier: Apache-2.0
//
// conformance.mjs - the official suite in cells: direct, and through the gateway from both sides;
//                   prints TAP, or docs/conformance.md
//
// usage: conformance.mjs BUILD [--table] [CELL...]
//
// A cell is WAY/TRANSPORT/ERA/REVISION: how the suite reaches the fixture server (direct, or w1 and w4:
// a gateway with so many workers), how the server is reached there, which revisions it speaks, and
// which one the suite does.  In client/REVISION the suite is the server.  CELL may hold `*`.
//
// expected.txt names what does not pass yet.  What is named there and fails is a `todo`; what passes
// although it is named has failed, and so has a line that nothing needs: the file stays true.  Where the
// reason begins with `at times`, the suite's clock decides, and both are right.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { freePort, Gateway } from './gateway.mjs';
import { asClient, asServer, end, preload, scenarios, start } from './suite.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const script = join(here, 'server.mjs');
const module = name => join(here, 'node_modules', name);
const [build, ...words] = process.argv.slice(2);
const table = words.includes('--table');
const wanted = words.filter(w => w !== '--table');
const revisions = ['2025-06-18', '2025-11-25', '2026-07-28'];
// To a server of both eras the gateway speaks the modern one, so the old one on both sides is among these.
const oneEra = [['legacy', '2025-11-25'], ['modern', '2025-11-25'], ['legacy', '2026-07-28']];
const others = table ? ['supergateway', 'mcp-proxy'] : [];
const atOnce = 2;
const cellLimit_s = 150;

const glob = pattern => new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);

function allCells() {
	const cells = revisions.map(revision => ({ way: 'direct', transport: 'http', era: 'both', revision }));

	for (const [era, revision] of [...revisions.map(r => ['both', r]), ...oneEra]) {
		for (const transport of ['stdio', 'http'])
			for (const way of ['w1', 'w4'])
				cells.push({ way, transport, era, revision });
		for (const way of others)
			cells.push({ way, transport: 'stdio', era, revision });
	}
	for (const cell of cells)
		cell.name = `${cell.way}/${cell.transport}/${cell.era}/${cell.revision}`;
	for (const revision of revisions.slice(1))
		cells.push({ way: 'client', revision, name: `client/${revision}` });
	return wanted.length > 0 ? cells.filter(c => wanted.some(w => glob(w).test(c.name))) : cells;
}

// ---- what a cell needs to run --------------------------------------------------------------------

const allowAll = { agents: { suite: { allow: { servers: ['*'], tools: { '*': ['*'] } } } } };

async function until(what, child, test) {
	for (let i = 0; i < 400; i++) {
		const value = await test();

		if (value)
			return value;
		if (child.exitCode !== null)
			break;
		await new Promise(resolve => setTimeout(resolve, 50));
	}
	throw new Error(`${what} did not start: ${child.output.trim().split('\n').at(-1)}`);
}

async function startFixture(era) {
	const child = start([script, '--http', '0', '--era', era]);

	child.url = await until('the fixture server', child, () => child.output.match(/^http:\S+/m)?.[0]);
	return child;
}

// Other gateways, as their manuals say; what they print is of no interest.
async function startOther(way, era) {
	const port = await freePort();
	const fixture = [process.execPath, script, '--stdio', '--era', era];
	const args = {
		'supergateway': [module('supergateway/dist/index.js'), '--stdio', fixture.join(' '), '--outputTransport',
		    'streamableHttp', '--stateful', '--port', String(port), '--logLevel', 'none'],
		'mcp-proxy': [module('mcp-proxy/dist/bin/mcp-proxy.mjs'), '--host', '127.0.0.1', '--port', String(port),
		    '--server', 'stream', '--', ...fixture],
	}[way];
	const child = start(['--import', preload, ...args]);

	child.url = `http://127.0.0.1:${port}/mcp`;
	await until(way, child, () => fetch(child.url).then(() => true, () => false));
	return child;
}

// An interrupted run leaves nothing behind that runs.
const gateways = new Set();
process.on('exit', () => gateways.forEach(g => g.process?.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM'])
	process.on(signal, () => process.exit(130));

async function throughGateway(cell, fixture) {
	const server = fixture ? { type: 'http', url: fixture.url } :
	    { command: process.execPath, args: [script, '--stdio', '--era', cell.era], read: [here] };
	const gateway = new Gateway(build, { fixture: server }, allowAll,
	    // The suite's slow tools take 100 ms.
	    { workers: cell.way.slice(1), drain_timeout: '1s', stream_after: '50ms' });

	gateways.add(gateway);
	try {
		await gateway.start();
		const key = gateway.ctl('key', 'add', '--agent', 'suite').trim();
		const found = await asClient(cell.revision, `${gateway.url}/servers/fixture/mcp`, key, cellLimit_s);

		found.log = gateway.log();
		return found;
	} finally {
		await gateway.stop();
		gateways.delete(gateway);
	}
}

async function asUpstreams(cell) {
	const found = new Map();
	const env = { CONFORMANCE_BUILD: build, CONFORMANCE_NODE: process.execPath, CONFORMANCE_CLIENT: join(here, 'client.mjs') };
	const { required, other } = await scenarios('client', cell.revision);

	for (const { name, extension } of [...required.map(name => ({ name })), ...other])
		found.set(name, await asServer(cell.revision, name, '"$CONFORMANCE_NODE" "$CONFORMANCE_CLIENT"', env, extension));
	return found;
}

async function runCell(cell) {
	let helper;

	try {
		if (cell.way === 'client')
			return await asUpstreams(cell);
		if (others.includes(cell.way))
			helper = await startOther(cell.way, cell.era);
		else if (cell.transport === 'http')
			helper = await startFixture(cell.era);
		if (/^w\d/.test(cell.way))
			return await throughGateway(cell, helper);
		return await asClient(cell.revision, helper.url, undefined, cellLimit_s);
	} catch (e) {
		const found = new Map();

		found.ended = String(e?.message ?? e);
		return found;
	} finally {
		if (helper)
			await end(helper);
	}
}

// ---- what is expected, and what is said -----------------------------------------------------------

const expected = readFileSync(join(here, 'expected.txt'), 'utf8').split('\n').map((line, i) => ({ line, number: i + 1 }))
	.filter(({ line }) => /^[^#\s]/.test(line)).map(({ line, number }) => {
		const [, cells, names, reason] = line.match(/^(\S+)\s+(\S+)\s+(.+)$/);

		return { cells: glob(cells), names: glob(names), what: `${cells} ${names}`, reason, number, needed: 0 };
	});

let count = 0, bad = 0;

function say(passed, name, why, details = []) {
	if (!passed && !why)
		bad++;
	console.log(`${passed ? 'ok' : 'not ok'} ${++count} - ${name}${passed || !why ? '' : ` # todo ${why}`}`);
	for (const detail of details)
		console.log(`  # ${detail.replace(/\s+/g, ' ').slice(0, 400)}`);
}

function report(cell, { required, other }, found) {
	const before = bad;

	for (const scenario of [...required, ...other.map(o => o.name)]) {
		const result = found.get(scenario) ?? { passed: false, checks: [{ id: 'scenario', text: found.ended || 'it did not run' }] };
		const passed = result.passed && result.ran;
		const why = expected.find(e => e.cells.test(cell.name) && e.names.test(scenario));
		const details = (result.checks ?? []).slice(0, 3).map(c => `${c.id}: ${c.text}`);

		if (why)
			why.needed++;
		if (passed && why && !why.reason.startsWith('at times'))
			say(false, `${cell.name}: ${scenario}`, '', [`it passes: expected.txt, line ${why.number}, says it would not`]);
		else
			say(passed, `${cell.name}: ${scenario}`, why?.reason, result.passed && !result.ran ? ['it checked nothing'] : details);
	}
	if (bad > before && found.log)
		console.log(found.log.trim().split('\n').slice(-30).map(line => `  # ${cell.name}: ${line}`).join('\n'));
}

// An extension's scenario that had nothing to check does not count.
function score({ required, other }, found) {
	const passes = name => found.get(name)?.passed && found.get(name).ran;
	const ran = other.filter(o => !o.extension || !found.get(o.name)?.passed || passes(o.name));

	return `${required.filter(passes).length}/${required.length}` +
	    (ran.length > 0 ? ` + ${ran.filter(o => passes(o.name)).length}/${ran.length}` : '');
}

const version = name => JSON.parse(readFileSync(module(`${name}/package.json`), 'utf8')).version;

// docs/conformance.md, as `make conformance-table` writes it.
function printPage(scores) {
	const peers = others.map(o => `${o} ${version(o)}`).join(' and ');

	console.log(`# The official conformance suite

Made by \`make conformance-table\`, ${new Date().toISOString().slice(0, 10)}: \`@modelcontextprotocol/conformance\`
${version('@modelcontextprotocol/conformance')}, as a client and as a server, with \`tests/conformance/server.mjs\` as the server behind. The first
number counts scenarios that the suite requires of a revision, the second its others, where they have something to
check. ${peers}, over a stdio server of theirs as their manuals say, stand beside it.
`);
	printTable(scores);
	console.log(`
A server of both revisions is spoken to in the newer one. What does not pass through the gateway, and why
(\`tests/conformance/expected.txt\`; WAY/TRANSPORT/SERVER/CLIENT):
`);
	for (const e of expected)
		console.log(`* \`${e.what}\`: ${e.reason}`);
}

function printTable(scores) {
	const columns = ['direct/http', 'w1/stdio', 'w4/stdio', 'w1/http', 'w4/http', ...others.map(o => `${o}/stdio`)];
	const titles = ['direct', 'stdio, 1 worker', 'stdio, 4 workers', 'HTTP, 1 worker', 'HTTP, 4 workers', ...others];
	const eras = { both: 'both', modern: '2026-07-28 only', legacy: '2025 only' };
	const row = cells => console.log(`| ${cells.join(' | ')} |`);

	row(['client speaks', 'server speaks', ...titles]);
	row(['', '', ...titles].map(() => '---'));
	for (const [era, revision] of [...revisions.map(r => ['both', r]), ...oneEra])
		row([revision, eras[era], ...columns.map(c => scores.get(`${c}/${era}/${revision}`) ?? '-')]);
	console.log();
	row(['server speaks', 'the gateway as client']);
	row(['---', '---']);
	for (const revision of revisions.slice(1))
		row([revision, scores.get(`client/${revision}`) ?? '-']);
}

const cells = allCells();
if (cells.length === 0) {
	console.error(`conformance: no such cell: ${wanted.join(' ')}`);
	process.exit(64);
}
const scores = new Map();
const queue = cells.map(cell => {
	const entry = { cell };
	entry.done = new Promise(resolve => { entry.resolve = resolve; });
	return entry;
});
const waiting = [...queue];
const began = Date.now();
const work = async () => {
	for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
		const started = Date.now();
		const lists = await scenarios(entry.cell.way === 'client' ? 'client' : 'server', entry.cell.revision);
		const found = await runCell(entry.cell);

		scores.set(entry.cell.name, score(lists, found));
		console.error(`${entry.cell.name}: ${scores.get(entry.cell.name)}, ${Math.round((Date.now() - started) / 100) / 10} s`);
		entry.resolve({ lists, found });
	}
};
const workers = Array.from({ length: atOnce }, work);

for (const { cell, done } of queue) {
	const { lists, found } = await done;

	if (!table)
		report(cell, lists, found);
}
await Promise.all(workers);
if (table) {
	printPage(scores);
} else {
	for (const e of wanted.length === 0 ? expected.filter(e => e.needed === 0) : [])
		say(false, `expected.txt, line ${e.number}, is about a test`);
	console.log(`1..${count}`);
}
console.error(`${cells.length} cells in ${Math.round((Date.now() - began) / 1000)} s`);
process.exit(bad > 0 ? 1 : 0);
