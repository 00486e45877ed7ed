// SPDX-License-Identifier: Apache-2.0
//
// tasks.mjs - the tools of the fixture server that work as tasks (extension io.modelcontextprotocol/tasks)
//
// The SDK has no tasks of its own: a tool answers with resultType "task", and tasks/* are methods of ours.
// A client that does not declare the extension gets results at once, or -32021 where a tool must be a task.
import { randomUUID } from 'node:crypto';

const EXTENSION = 'io.modelcontextprotocol/tasks';
const nap = ms => new Promise(resolve => setTimeout(resolve, ms));
const text = t => ({ content: [{ type: 'text', text: t }] });
const confirm = { type: 'object', properties: { confirm: { type: 'boolean' } }, required: ['confirm'] };

export const extensions = { [EXTENSION]: {} };

const tasks = new Map();	// of every instance in this process

const envelope = ctx => ctx.mcpReq.envelope;
const declares = ctx => envelope(ctx)?.['io.modelcontextprotocol/clientCapabilities']?.extensions?.[EXTENSION] !== undefined;

class Task {
	constructor(work) {
		this.id = randomUUID();
		this.createdAt = this.lastUpdatedAt = new Date().toISOString();
		this.status = 'working';
		this.pending = new Map();
		tasks.set(this.id, this);
		work(this).then(result => this.become('completed', { result: { resultType: 'complete', ...result } }),
		    e => this.become('failed', { error: { code: -32603, message: e.message } }));
	}

	become(status, end) {
		if (this.status === 'cancelled')
			return;
		this.status = status;
		this.end = end;
		this.lastUpdatedAt = new Date().toISOString();
	}

	// Answered by tasks/update, under this key.
	ask(key, message) {
		return new Promise(resolve => {
			this.pending.set(key, { resolve, request: { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema: confirm } } });
			this.become('input_required');
		});
	}

	answer(responses) {
		for (const [key, value] of Object.entries(responses)) {
			this.pending.get(key)?.resolve(value);
			this.pending.delete(key);
		}
		if (this.status === 'input_required' && this.pending.size === 0)
			this.become('working');
	}

	shown() {
		return { taskId: this.id, status: this.status, createdAt: this.createdAt, lastUpdatedAt: this.lastUpdatedAt,
			ttlMs: 600000, pollIntervalMs: 200 };
	}
}

// At once for who cannot wait.
const asTask = (ctx, work, otherwise) => (declares(ctx) ? { resultType: 'task', ...new Task(work).shown() } : otherwise());
const failed = { ...text('the job failed'), isError: true };

// name -> [description, inputSchema, handler], with what the fixture server's own tools are made of
export const tools = ({ obj, str, got, ask, inputRequired }) => ({
	greet: ['a greeting, never a task', obj({ name: str }, ['name']), a => text(`Hello, ${a.name}!`)],
	slow_compute: ['takes so many seconds', obj({ seconds: { type: 'number' }, label: str }), (a, ctx) => {
		const work = async () => { await nap((a.seconds ?? 0) * 1000); return text(`computed ${a.label}`); };
		return asTask(ctx, work, work);
	}],
	failing_job: ['a task that ends with a tool error', obj(), (_, ctx) => asTask(ctx, async () => { await nap(1000); return failed; }, () => failed)],
	protocol_error_job: ['a task that fails', obj(), (_, ctx) => asTask(ctx, async () => { throw new Error('it broke'); }, () => failed)],
	confirm_delete: ['a task that asks', obj({ filename: str }), (a, ctx) => asTask(ctx, async task => {
		const answer = await task.ask(randomUUID(), `Delete ${a.filename}?`);
		return text(`${a.filename}: ${answer.action}`);
	}, () => text('nothing deleted'))],
	multi_input: ['a task that asks twice at once', obj(), (_, ctx) => asTask(ctx, async task => {
		const answers = await Promise.all([task.ask(randomUUID(), 'First?'), task.ask(randomUUID(), 'Second?')]);
		return text(`answered ${answers.length}`);
	}, () => text('asked nothing'))],
	test_tool_with_task: ['asks first, then makes a task', obj(), (_, ctx) => {
		const name = got(ctx, 'user_name', 'elicit')?.content?.name;
		if (typeof name !== 'string')
			return inputRequired({ inputRequests: { user_name: ask.name() } });
		return asTask(ctx, async () => text(`Hello, ${name}!`), () => text(`Hello, ${name}!`));
	}],
});
const mustBeTasks = ['failing_job', 'test_tool_with_task'];

// After the tools were registered.
export function serveTasks(m, S) {
	const { MissingRequiredClientCapabilityError, ProtocolError, ProtocolErrorCode, fromJsonSchema } = S;
	const missing = () => new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions } });
	const inner = m.server._requestHandlers.get('tools/call');	// what the SDK made of the tools
	const params = fromJsonSchema({ type: 'object', properties: { taskId: { type: 'string' }, inputResponses: { type: 'object' } }, required: ['taskId'] });
	const serve = (method, run) => m.server.setRequestHandler(method, { params }, (p, ctx) => {
		if (!declares(ctx))
			throw missing();
		if (!tasks.has(p.taskId))
			throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'no such task');
		return run(tasks.get(p.taskId), p.inputResponses ?? ctx.mcpReq.inputResponses ?? {});
	});

	// Not with setRequestHandler(), which would open a requestState once more.
	m.server._requestHandlers.set('tools/call', (request, ctx) => {
		if (envelope(ctx) !== undefined && mustBeTasks.includes(request.params.name) && !declares(ctx))
			throw missing();
		return inner(request, ctx);
	});
	serve('tasks/get', task => ({ ...task.shown(), ...task.end,
		...(task.status === 'input_required' && { inputRequests: Object.fromEntries([...task.pending].map(([k, p]) => [k, p.request])) }) }));
	serve('tasks/update', (task, responses) => { task.answer(responses); return {}; });
	serve('tasks/cancel', task => { if (!['completed', 'failed'].includes(task.status)) task.become('cancelled'); return {}; });
}
