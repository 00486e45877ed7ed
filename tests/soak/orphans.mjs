// SPDX-License-Identifier: Apache-2.0
//
// orphans.mjs - sessions opened and abandoned, fork bombs, daemons, kill -9: what is left afterwards
//
// usage: orphans.mjs BUILD DIR [--sessions=N] [--table=FILE] [GATEWAY...]
//
// Prints TAP.  What mcpgw leaves is a failure; what others leave is a number.  --table writes those of all as rows
// of a Markdown table.
import { copyFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { Client } from './client.mjs';
import { gateways } from './gateways.mjs';
import { plan, test, want } from './gateway.mjs';
import { alive, all, count, weight } from './watch.mjs';

const [build, dir, ...rest] = process.argv.slice(2);
const option = (name, otherwise) => rest.find(a => a.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise;
const sessions = Number(option('sessions', 300));
const chosen = rest.filter(a => !a.startsWith('--'));
const table = option('table', null);

const AT_ONCE = 24;			// sessions being opened at a time
const TOO_MANY = 3000;			// processes of tools: then no more sessions, for the machine's sake
const SETTLE_MS = 45000;		// for what was abandoned to be noticed
const STILL_MS = 12000;			// nothing has changed for so long: it stays
const OPEN_MS = 60000;			// for all sessions together, of gateways that are only measured
const FORKS = 300, BOMBS = 5, DAEMONS = 50, STUBBORN = 10;

const tools = {
	plain: { args: ['ok'] },
	shared: { args: ['ok'], isolation: 'principal' },
	slow: { args: ['slow', '100'] },
	daemon: { args: ['daemonise'] },
	bomb: { args: ['forks', String(FORKS)] },
	stubborn: { args: ['ignores-term'] },		// nor does it leave at the end of its input
};
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

// One session of a client that goes away: before its call, with the call under way, or after it.
async function abandon(target, when) {
	const c = new Client(target.url, target);

	try {
		await c.open();
		if (when === 'before')
			return;
		const answer = c.call(target.tool);

		if (when === 'during') {
			answer.catch(() => {});
			await sleep(Math.random() * 60);
		} else {
			await answer;
		}
	} finally {
		c.leave();
	}
}

async function settled(what, ms, step = 100) {
	for (const until = Date.now() + ms; Date.now() < until; await sleep(step))
		if (what())
			return true;
	return false;
}

// Opens and abandons; stops when the machine would suffer.
async function abandonMany(run, n) {
	const kinds = [['plain', 'after'], ['slow', 'during'], ['shared', 'after'], ['plain', 'before'], ['shared', 'during']];
	const until = run.name === 'mcpgw' ? Infinity : Date.now() + OPEN_MS;
	let next = 0, failed = 0, why = '', tooMany = false;

	async function one() {
		while (next < n && !tooMany && Date.now() < until) {
			const [name, when] = kinds[next++ % kinds.length];

			await abandon(run.target(name), when).catch(e => {
				failed++;
				why ||= String(e);
			});
		}
	}
	const watch = setInterval(() => { tooMany = count(run.tool, run.pids).tools > TOO_MANY; }, 500);
	await Promise.all(Array.from({ length: AT_ONCE }, one));
	clearInterval(watch);
	return { opened: next, failed, why };
}

// Until no tool is left but those that were there, or it is certain that they stay.
async function calm(run, tools) {
	const before = Date.now();
	let last = -1, since = before;

	await settled(() => {
		const now = count(run.tool, run.pids).tools;

		if (now !== last)
			since = Date.now();
		last = now;
		return now <= tools || Date.now() - since > STILL_MS;
	}, SETTLE_MS);
	await sleep(300);
	return { ...count(run.tool, run.pids), ms: Date.now() - before };
}

const weights = run => count(run.tool, run.pids).daemons.map(weight);
const sum = (list, member) => list.some(w => w[member] === null) ? null : list.reduce((n, w) => n + w[member], 0);

function killTools(tool) {
	for (const p of all().filter(q => q.comm === tool))
		try {
			process.kill(p.pid, 'SIGKILL');
		} catch {}
}

async function start(name) {
	const tool = `soak-${randomBytes(4).toString('hex')}`;
	const home = mkdtempSync(join(dir, `${name}.`));
	const program = join(home, tool);

	chmodSync(home, 0o755);
	copyFileSync(join(build, 'tests/lying-server'), program);
	chmodSync(program, 0o755);
	const run = await gateways[name].start({ build, dir: home, program, tools, modules: join(dir, 'node_modules') });
	return { name, tool, ...run };
}

// Sessions, daemons, bombs: what is left of each when all could have settled.
async function leavings(run) {
	const out = { name: run.name };

	// So much is warm memory, not growth.
	await abandonMany(run, Math.min(200, sessions));
	const start = await calm(run, 0);
	out.start = { tools: start.tools, weights: weights(run) };
	const many = await abandonMany(run, sessions);
	const after = await calm(run, start.tools);
	out.sessions = { ...many, tools: after.tools - start.tools, zombies: after.zombies, ms: after.ms };
	out.end = { weights: weights(run) };
	for (const [what, name, times] of [['daemons', 'daemon', DAEMONS], ['bombs', 'bomb', BOMBS],
	    ['stubborn', 'stubborn', STUBBORN]]) {
		let failed = 0;

		const before = count(run.tool, run.pids).tools;
		// Who does not answer any more is not asked again.
		for (let i = 0; i < times && failed < 3; i++)
			await abandon(run.target(name), 'after').catch(() => { failed++; });
		const left = await calm(run, before);
		out[what] = { times, failed, tools: Math.max(0, left.tools - before), zombies: left.zombies };
	}
	return out;
}

// Calls of several clients without pause, which look away when something fails.
function keepCalling(run) {
	let stop = false, well = 0, failed = 0;
	const done = Promise.all(['plain', 'slow', 'shared'].flatMap(name => [0, 1].map(async () => {
		while (!stop) {
			const t = run.target(name), c = new Client(t.url, t);

			try {
				await c.open();
				for (let i = 0; i < 5 && !stop; i++) {
					await c.call(t.tool);
					well++;
				}
			} catch {
				failed++;
				await sleep(20);
			}
			c.leave();
		}
	})));
	return { end: async () => { stop = true; await done; return { well, failed }; }, well: () => well };
}

// kill -9 of the gateway's own process while calls run: what outlives it.
async function killed(run) {
	const calls = keepCalling(run);

	for (let i = 0, failed = 0; i < 10 && failed < 2; i++)
		await abandon(run.target(i < 5 ? 'daemon' : 'stubborn'), 'after').catch(() => { failed++; });
	await settled(() => calls.well() > 20, 20000);
	const { tree } = count(run.tool, run.pids);
	for (const pid of run.pids)
		process.kill(pid, 'SIGKILL');
	const { well, failed } = await calls.end();
	await settled(() => !tree.some(alive) && count(run.tool, []).tools === 0, 6000);
	const left = tree.filter(alive);
	const strays = count(run.tool, []);
	return { well, failed, tools: strays.tools, zombies: strays.zombies, own: left.filter(p => p.comm !== run.tool).length };
}

// ---- mcpgw, where nothing may be left ---------------------------------------------------------------

const VICTIMS = ['mcpgw-worker', 'mcpgw-audit', 'mcpgw-store', 'mcpgw-runner', 'mcpgw-spawn', 'mcpgw-init', 'TOOL'];

async function eachKilled(run) {
	const calls = keepCalling(run);
	const notes = [];

	for (const victim of VICTIMS) {
		const name = victim === 'TOOL' ? run.tool : victim;
		const before = calls.well();

		want(await settled(() => calls.well() >= before + 20, 30000), `no call goes well before ${victim} is killed`);
		let prey;
		await settled(() => (prey = count(run.tool, run.pids).tree.find(p => p.comm === name)) !== undefined, 10000, 5);
		want(prey, `there is no ${victim}`);
		process.kill(prey.pid, 'SIGKILL');
		want(await settled(() => !alive(prey), 5000), `${victim} does not die`);
		const then = calls.well();
		want(await settled(() => calls.well() >= then + 20, 30000), `no call goes well after ${victim} was killed`);
		notes.push(`${victim} ${calls.well() - before}`);
	}
	await calls.end();
	return notes;
}

// Of each kind of process the sum, as workers share what comes.
function grown(before, after) {
	const out = [];

	for (const name of new Set(before.map(w => w.name))) {
		const of_ = list => list.filter(w => w.name === name);
		const kib = [sum(of_(before), 'kib'), sum(of_(after), 'kib')], fds = [sum(of_(before), 'fds'), sum(of_(after), 'fds')];

		out.push({ name, processes: [of_(before).length, of_(after).length], kib, fds });
	}
	return out;
}

// Memory may be a fifth and 4 MiB of each process more: what an allocator keeps of its busiest moment, as many sessions
// at once as came.  Half a KiB lost with each of 10,000 would be seen.  Workers make the pairs between them when they
// first need one, which is one descriptor of each.  A sanitizer keeps all that was freed.
const sanitized = build.includes('address');
function wantSame(rows) {
	for (const r of rows) {
		console.log(`# ${r.name}: ${r.processes.join(' -> ')} processes, ${r.kib.join(' -> ')} KiB, ${r.fds.join(' -> ')} descriptors`);
		want(r.processes[0] === r.processes[1], `${r.name}: ${r.processes.join(' -> ')} processes`);
		want(sanitized || r.kib[0] === null || r.kib[1] <= r.kib[0] * 1.2 + 4096 * r.processes[0], `${r.name}: ${r.kib.join(' -> ')} KiB`);
		const pairs = r.name === 'mcpgw-worker' ? r.processes[0] * (r.processes[0] - 1) : 0;
		want(r.fds[0] === null || r.fds[1] <= r.fds[0] + pairs, `${r.name}: ${r.fds.join(' -> ')} descriptors`);
	}
}

async function proveOurs() {
	const run = await start('mcpgw');
	let out, rows;

	try {
		await test(`${sessions} sessions, daemons and fork bombs leave no process`, async () => {
			out = await leavings(run);
			console.log(`# sessions: ${JSON.stringify(out.sessions)}`);
			for (const what of ['daemons', 'bombs', 'stubborn'])
				console.log(`# ${what}: ${JSON.stringify(out[what])}`);
			for (const what of ['sessions', 'daemons', 'bombs', 'stubborn'])
				want(out[what].tools === 0 && out[what].zombies === 0 && out[what].failed === 0,
				    `${what}: ${JSON.stringify(out[what])}`);
			want(out.sessions.opened === sessions, out.sessions);
		}, Infinity);
		await test('memory and descriptors are back to the start', async () => {
			rows = grown(out.start.weights, weights(run));
			wantSame(rows);
		});
		await test('each process is killed while calls run, and nothing of it is left', async () => {
			const before = weights(run);

			console.log(`# calls from before each kill until well after it: ${(await eachKilled(run)).join(', ')}`);
			const left = await calm(run, 0);
			want(left.tools === 0 && left.zombies === 0, `${left.tools} tools, ${left.zombies} zombies`);
			// Who was killed begins anew: only the count says something.
			const now = grown(before, weights(run));
			for (const r of now)
				want(r.processes[0] === r.processes[1], `${r.name}: ${r.processes.join(' -> ')} processes`);
		}, 240000);
		await test('the master is killed while calls run, and nothing outlives it', async () => {
			out.kill = await killed(run);
			console.log(`# ${JSON.stringify(out.kill)}`);
			want(out.kill.tools === 0 && out.kill.zombies === 0 && out.kill.own === 0, JSON.stringify(out.kill));
		});
	} finally {
		if (process.env.TEST_KEEP)
			console.log(`# log: ${run.log()}`);
		await run.stop();
		killTools(run.tool);
	}
	return out;
}

// ---- others ------------------------------------------------------------------------------------------

async function withRun(name, fn) {
	const run = await start(name);

	try {
		return await fn(run);
	} finally {
		await run.stop();
		killTools(run.tool);
	}
}

// Killed is one that has left nothing before.
async function measureOther(name) {
	return { ...await withRun(name, leavings), kill: await withRun(name, killed) };
}

function row(o) {
	const both = (member, text) => [o.start, o.end].map(at => text(sum(at.weights, member))).join(' to ');
	const mib = kib => kib === null ? '?' : (kib / 1024).toFixed(1);

	return `| ${o.name} ${o.version} | ${gateways[o.name].shares ? 'one for all' : 'each its own'} | ${o.sessions.opened}` +
	    `${o.sessions.failed ? `, ${o.sessions.failed} failed` : ''} | ${o.sessions.tools} | ${both('kib', mib)} MiB | ` +
	    `${both('fds', n => n ?? '?')} | ${o.daemons.tools} | ${o.bombs.tools} | ${o.stubborn.tools} | ` +
	    `${o.kill.tools} | ${o.sessions.zombies + o.daemons.zombies + o.bombs.zombies + o.stubborn.zombies} |`;
}

function versionOf(name) {
	if (name === 'mcpgw')
		return '';
	return JSON.parse(readFileSync(join(dir, 'node_modules', name, 'package.json'), 'utf8')).version;
}

mkdirSync(dir, { recursive: true });
const results = [];
for (const name of chosen.length > 0 ? chosen : ['mcpgw']) {
	let out;

	if (name === 'mcpgw')
		out = await proveOurs().catch(e => test(name, () => { throw e; }));
	else
		await test(`${name} is measured`, async () => {
			out = await measureOther(name);
			console.log(`# ${JSON.stringify({ ...out, start: undefined, end: undefined })}`);
		}, Infinity);
	if (out?.kill)
		results.push({ ...out, version: versionOf(name) });
}
if (table)
	writeFileSync(table, [
		'| gateway | a tool for sessions | sessions abandoned | tools left | its memory | its descriptors | left of 50 daemons | ' +
		    `left of ${BOMBS} x ${FORKS} forks | left of ${STUBBORN} that do not leave | left after kill -9 of it | zombies |`,
		'|---|---|---|---|---|---|---|---|---|---|---|',
		...results.map(row), '', 'Started as', '',
		...results.map(o => `* ${o.name}: \`${gateways[o.name].command}\``), ''].join('\n'));
process.exit(plan() > 0 ? 1 : 0);
