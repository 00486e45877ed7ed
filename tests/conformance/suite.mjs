// SPDX-License-Identifier: Apache-2.0
//
// suite.mjs - the official suite as a child process: what it asks for, and what it found
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');

export const preload = join(here, 'preload.mjs');

// From 2025-11-25 on the suite freezes what a revision requires, and runs more that it does not count.
// An older one requires what applies to it.
const frozen = revision => revision >= '2025-11-25';

const running = new Set();
process.on('exit', () => running.forEach(child => child.kill('SIGKILL')));

// Ends it, and waits; what does not listen to reason is killed.
export async function end(child) {
	if (!running.has(child))
		return;
	const gone = new Promise(resolve => child.on('exit', resolve));
	const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
	child.kill('SIGTERM');
	await gone;
	clearTimeout(timer);
}

export function start(args, options = {}) {
	const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });

	running.add(child);
	child.on('exit', () => running.delete(child));
	child.stdin.on('error', () => {});	// it may end before we do
	child.output = '';
	for (const stream of [child.stdout, child.stderr])
		stream.setEncoding('utf8').on('data', text => { child.output = (child.output + text).slice(-1 << 20); });
	return child;
}

async function run(args, env, limit_s) {
	const child = start(['--import', preload, cli, ...args], { env: { ...process.env, ...env } });
	child.stdin.end();
	const timer = setTimeout(() => child.kill('SIGKILL'), limit_s * 1000);
	const status = await new Promise(resolve => child.on('close', (code, signal) => resolve(code ?? signal)));

	clearTimeout(timer);
	return { status, output: child.output };
}

const lists = {};

async function listed(revision) {
	const { output } = await run(['list', frozen(revision) ? '--requirements' : '--spec-version', revision], {}, 30);
	const found = { server: [], client: [], other: [] };
	let into, reason;

	for (const line of output.split('\n')) {
		const [, name, leg] = line.match(/^ +- (\S+)(?: \[(.*)\])?/) ?? [];

		if (line.startsWith('Server scenarios'))
			into = 'server';
		else if (line.startsWith('Client scenarios'))
			into = 'client';
		else if (line.startsWith('Authorization server'))
			into = undefined;
		else if (line.startsWith('Run and reported'))
			into = 'other';
		else if (/^ +\S+ \(\d+\):$/.test(line))
			[reason] = line.trim().split(' ');
		else if (into && name)
			found[into].push(into === 'other' ? { name, leg, extension: reason === 'extension' } : name);
	}
	return found;
}

// -> { required: [name], other: [{ name, extension }] }
export async function scenarios(leg, revision) {
	const known = await (lists[revision] ??= listed(revision));

	return { required: known[leg], other: known.other.filter(o => o.leg === leg) };
}

// What a scenario's checks say: passed, or why not.  One that checked nothing has not run.
function verdict(checks) {
	const failed = checks.filter(c => c.status === 'FAILURE');

	if (failed.length > 0)
		return { passed: false, checks: failed.map(c => ({ id: c.id, text: c.errorMessage ?? c.details?.message ?? c.description })) };
	return { passed: true, ran: checks.some(c => c.status === 'SUCCESS') };
}

function results(folder, output) {
	const found = new Map();
	const collect = (dir, prefix) => {
		for (const entry of readdirSync(dir, { withFileTypes: true })) {
			const [, name] = entry.name.match(/^(.*)-\d{4}-\d\d-\d\dT[\d-]+Z$/) ?? [];
			const file = join(dir, entry.name, 'checks.json');

			if (!name)
				collect(join(dir, entry.name), prefix + entry.name + '/');
			else if (existsSync(file))
				found.set((prefix + name).replace(/^server-(?=.)/, ''), verdict(JSON.parse(readFileSync(file, 'utf8'))));
		}
	};

	collect(folder, '');
	for (const [, name, text] of output.matchAll(/^Failed to run scenario (\S+): (.*)$/gm))
		found.set(name, { passed: false, checks: [{ id: 'scenario', text }] });
	return found;
}

async function inFolder(fn) {
	const folder = mkdtempSync(join(tmpdir(), 'mcpgw-conformance.'));

	try {
		return await fn(folder);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

// Every server scenario of a revision against url -> Map of scenario to verdict
export const asClient = (revision, url, key, limit_s) => inFolder(async folder => {
	const which = frozen(revision) ? ['--requirements', revision] : ['--suite', 'all', '--spec-version', revision];
	const { status, output } = await run(['server', '--url', url, ...which, '-o', folder, '--timeout', '15000'],
	    key ? { CONFORMANCE_ORIGIN: new URL(url).origin, CONFORMANCE_KEY: key } : {}, limit_s);
	const found = results(folder, output);

	found.ended = status === 0 || status === 1 ? '' : `the suite ended with ${status}`;
	return found;
});

// One client scenario: the suite serves, and starts command with its URL.  Extensions are of no revision.
export const asServer = (revision, scenario, command, env, extension) => inFolder(async folder => {
	const { output } = await run(['client', '--command', command, '--scenario', scenario, '--spec-version', revision,
	    '-o', folder, '--timeout', '30000', ...extension ? ['--force'] : []], env, 45);
	const result = results(folder, output).get(scenario) ??
	    { passed: false, checks: [{ id: 'scenario', text: output.match(/^Client test error: .*$/m)?.[0] ?? 'it has no result' }] };
	const [, trouble] = output.match(/^(Client (?:exited with code|timed out).*)$/m) ?? [];

	return { ...result, passed: result.passed && !trouble, checks: [...result.checks ?? [],
	    ...trouble ? [{ id: 'client', text: `${trouble} ${output.match(/^client: .*$/m)?.[0] ?? ''}` }] : []], output };
});
