// SPDX-License-Identifier: Apache-2.0
//
// gateway.mjs - a real gateway in a private folder, and TAP
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Gateway {
	constructor(build, servers, rules, settings = {}) {
		this.build = build;
		this.dir = mkdtempSync(join(tmpdir(), 'mcpgw-peers.'));
		chmodSync(this.dir, 0o755);		// children have users of their own when root starts it
		this.etc = join(this.dir, 'etc');
		mkdirSync(this.etc);
		writeFileSync(join(this.etc, 'mcpgw.conf'), [
			...('listen' in settings ? [] : ['listen = 127.0.0.1:0']), 'admin_listen = 127.0.0.1:0', 'watch = no',
			`state_dir = ${this.dir}/state`, `run_dir = ${this.dir}/run`,
			...Object.entries({ workers: 2, ...settings }).map(([name, value]) => `${name} = ${value}`), ''].join('\n'));
		writeFileSync(join(this.etc, 'servers.json'), JSON.stringify({ mcpServers: servers }));
		writeFileSync(join(this.etc, 'rules.json'), JSON.stringify(rules));
	}

	async start() {
		const log = openSync(join(this.dir, 'log'), 'a');

		this.process = spawn(join(this.build, 'bin/mcpgw'), ['-f', '-c', this.etc], { stdio: ['ignore', log, log] });
		this.exited = new Promise(resolve => this.process.on('exit', resolve));
		const ready = join(this.dir, 'run/ready');
		for (let i = 0; i < 400 && !existsSync(ready) && this.process.exitCode === null; i++)
			await new Promise(resolve => setTimeout(resolve, 50));
		if (!existsSync(ready))
			throw new Error('the gateway did not start:\n' + this.log());
		for (const line of readFileSync(ready, 'utf8').split('\n')) {
			const [kind, address] = line.split(' ');

			if (kind === 'mcp')
				this.url = `http://${address}`;
			else if (kind === 'tls')
				this.url = `https://${address}`;
		}
	}

	ctl(...args) {
		const r = spawnSync(join(this.build, 'bin/mcpgwctl'), ['-c', this.etc, ...args], { encoding: 'utf8' });

		if (r.status !== 0)
			throw new Error(`mcpgwctl ${args.join(' ')}: exit ${r.status}: ${r.stderr}`);
		return r.stdout;
	}

	log() {
		return readFileSync(join(this.dir, 'log'), 'utf8');
	}

	// What has not ended within seconds is killed, so that a test of a stuck gateway ends too.
	async stop() {
		const timer = setTimeout(() => this.process?.kill('SIGKILL'), 10000);

		this.process?.kill('SIGTERM');
		await this.exited;
		clearTimeout(timer);
		rmSync(this.dir, { recursive: true, force: true });
	}
}

// A port for a program that has to be told one.  It is below those that the kernel gives to whoever names none: of those,
// another test may get it between our look and the program's start.
export async function freePort() {
	for (;;) {
		const port = 20000 + Math.floor(Math.random() * 12000), s = createServer();

		if (await new Promise(resolve => s.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))))
			return new Promise(resolve => s.close(() => resolve(port)));
	}
}

let count = 0, failed = 0;

// One test: what it throws is why it failed.
export async function test(name, fn, ms = 60000) {
	count++;
	try {
		let timer;
		await Promise.race([fn(), new Promise((_, no) => {
			timer = Number.isFinite(ms) && setTimeout(() => no(new Error(`took more than ${ms / 1000} s`)), ms);
		})]).finally(() => clearTimeout(timer));
		console.log(`ok ${count} - ${name}`);
	} catch (e) {
		failed++;
		console.log(`not ok ${count} - ${name}`);
		for (const line of String(e?.stack ?? e).split('\n').slice(0, 12))
			console.log(`  # ${line}`);
	}
}

export function skipTest(name, why) {
	count++;
	console.log(`ok ${count} - ${name} # SKIP ${why}`);
}

export function plan() {
	console.log(`1..${count}`);
	return failed;
}

export function want(condition, what) {
	if (!condition)
		throw new Error(typeof what === 'string' ? what : JSON.stringify(what));
}
