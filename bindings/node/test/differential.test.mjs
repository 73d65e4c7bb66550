// The same script through child_process.spawn and through jail.spawn: the same code, signal,
// output and order of events.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { JailKeeper, workDirectory } from './stage.mjs';

const cwd = workDirectory();
mkdirSync(join(cwd, 'below'));
writeFileSync(join(cwd, 'file'), 'of the file');
writeFileSync(join(cwd, 'plain'), 'not a program');
writeFileSync(join(cwd, 'script with spaces'), '#!/bin/sh\necho "ran $0 with $#"\n', { mode: 0o755 });
const PATH = '/usr/local/bin:/usr/bin:/bin';
const env = { PATH, HOME: cwd, SHELL: '/bin/sh' };
const node = process.execPath;
const echo = 'process.on("message", (m) => { process.send(m); if (m === "end") process.disconnect(); })';

/** Name, command, arguments, options, and what is done with the child. */
const cases = [
  ['output and code 0', 'sh', ['-c', 'echo out; echo err >&2'], {}],
  ['code 3', 'sh', ['-c', 'exit 3'], {}],
  ['code 255', 'sh', ['-c', 'exit 255'], {}],
  ['code 120, which is a jailbreak’s', 'sh', ['-c', 'exit 120'], {}],
  ['code 125, which is a failure’s', 'sh', ['-c', 'echo "error: failed to x" >&2; exit 125'], {}],
  ['code 126', 'sh', ['-c', 'exit 126'], {}],
  ['code 127', 'sh', ['-c', 'nosuchprogram 2>/dev/null'], {}],
  ['code 137, which is that of a signal', 'sh', ['-c', 'exit 137'], {}],
  ['its own SIGTERM', 'sh', ['-c', 'echo first; kill -TERM $$'], {}],
  ['its own SIGKILL', 'sh', ['-c', 'kill -KILL $$'], {}],
  ['its own SIGSEGV', 'sh', ['-c', 'ulimit -c 0; kill -SEGV $$'], {}],
  ['its own SIGPIPE', 'sh', ['-c', 'kill -PIPE $$'], {}],
  ['its own SIGABRT', 'sh', ['-c', 'ulimit -c 0; kill -ABRT $$'], {}],
  ['standard input', 'cat', [], {}, (child) => child.stdin.end('through and through')],
  ['a megabyte each way', 'cat', [], {}, (child) => child.stdin.end(Buffer.alloc(1 << 20, 'x'))],
  ['input that nobody reads', 'true', [], {}, (child) => child.stdin.on('error', () => {}).end('x')],
  ['arguments with all letters', 'printf', ['%s\n', 'a b', '', '"', "'", '$HOME', '-n', '--', '*', 'é', '\t'], {}],
  ['cwd', 'pwd', [], { cwd: join(cwd, 'below') }],
  ['cwd as URL', 'pwd', [], { cwd: new URL(`file://${cwd}/below`) }],
  ['cwd that is not there', 'pwd', [], { cwd: join(cwd, 'nowhere') }],
  ['env', 'sh', ['-c', 'echo $ONE $TWO'], { env: { ...env, ONE: '1', TWO: 'zwei', THREE: undefined } }],
  ['PATH of env', 'script with spaces', ['x'], { env: { ...env, PATH: `${cwd}:${PATH}` } }],
  ['shell: true', 'echo $0; echo "a  b" | cat; exit 4', [], { shell: true }],
  ['shell: true with arguments', 'echo', ['a', '&&', 'echo', 'b'], { shell: true }],
  ['shell: a name', 'echo $0', [], { shell: '/bin/bash' }],
  ['argv0', 'sh', ['-c', 'cat /proc/$$/cmdline | tr "\\0" " "'], { argv0: 'another' }],
  ['stdio: ignore', 'sh', ['-c', 'echo lost; exit 5'], { stdio: 'ignore' }],
  ['stdio: some ignored', 'sh', ['-c', 'cat; echo lost >&2; echo kept'], { stdio: ['ignore', 'pipe', 'ignore'] }],
  ['stdio: a file’s descriptor', 'cat', [], { stdio: [() => openSync(join(cwd, 'file'), 'r'), 'pipe', 'pipe'] }],
  ['stdio: overlapped', 'sh', ['-c', 'echo out'], { stdio: 'overlapped' }],
  ['stdio: extra pipes', 'sh', ['-c', 'cat <&3 >&4'], { stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] }, (child) => child.stdio[3].end('extra')],
  ['stdio: a hole', 'sh', ['-c', 'cat <&5; (: <&4) 2>/dev/null || echo closed'], { stdio: ['ignore', 'pipe', 'pipe', null, 'ignore', 'pipe'] }, (child) => child.stdio[5].end('five')],
  ['stdout closed early', 'sh', ['-c', 'exec >&-; echo err >&2; exit 6'], {}],
  ['ipc', node, ['-e', echo], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }, talk],
  ['ipc, advanced', node, ['-e', echo], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], serialization: 'advanced' }, talk],
  ['ipc at 5', node, ['-e', echo], { stdio: ['ignore', 'pipe', 'pipe', null, null, 'ipc'] }, talk],
  ['ipc, disconnected here', node, ['-e', 'process.on("disconnect", () => process.exit(9))'], { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] }, (child) => child.once('spawn', () => setTimeout(() => child.disconnect(), 300))],
  ['detached', 'sh', ['-c', 'echo out; exit 2'], { detached: true }],
  ['timeout', 'sleep', ['60'], { timeout: 150 }],
  ['timeout and killSignal', 'sleep', ['60'], { timeout: 150, killSignal: 'SIGUSR1' }],
  ['timeout and SIGKILL', 'sleep', ['60'], { timeout: 150, killSignal: 'SIGKILL' }],
  ['abort', 'sleep', ['60'], { signal: () => AbortSignal.timeout(150) }],
  ['abort before the start', 'sleep', ['60'], { signal: () => AbortSignal.abort() }],
  ['abort and killSignal', 'sleep', ['60'], { signal: () => AbortSignal.timeout(150), killSignal: 'SIGINT' }],
  ['a trap', 'sh', ['-c', 'trap "echo caught; exit 8" TERM; echo ready; while :; do sleep 0.02; done'], {}, (child) => child.stdout.once('data', () => child.kill())],
  ['kill with a number', 'sleep', ['60'], {}, (child) => setTimeout(() => child.kill(12), 150)],
  ['stdin destroyed', 'cat', [], {}, (child) => child.stdin.destroy()],
  ['a grandchild that holds stdout', 'sh', ['-c', '(sleep 0.1; echo late) & wait; echo end'], {}],
];

for (const [name, command, args, options, act] of cases) {
  test(`as child_process does: ${name}`, async () => {
    const plain = await observe(spawn, command, args, options, act);
    const jailed = await observe(new JailKeeper({ read: [node] }).spawn, command, args, options, act);
    assert.deepEqual(jailed, plain);
  });
}

// Where a difference is wanted, it is this one.
for (const [name, command, code] of [['is not there', 'nosuchprogram', 'ENOTFOUND'], ['cannot be run', './plain', 'ENOTEXECUTABLE']]) {
  test(`a command that ${name} is the same error but for its class`, async () => {
    const plain = await observe(spawn, command, ['x'], {});
    const jailed = await observe(new JailKeeper().spawn, command, ['x'], {});
    assert.deepEqual(jailed.errors, [{ ...plain.errors[0], code, name: 'JailKeeperError' }]);
    assert.deepEqual([jailed.code, jailed.signal, jailed.stdout, jailed.stderr], [plain.code, plain.signal, '', '']);
    assert.deepEqual(jailed.order, plain.order);
  });
}

async function observe(start, command, args, options, act) {
  const own = { cwd, env, ...options };
  own.signal &&= own.signal();
  own.stdio = Array.isArray(own.stdio) ? own.stdio.map((entry) => (typeof entry === 'function' ? entry() : entry)) : own.stdio;
  const child = start(command, args, own);
  const seen = { order: [], messages: [], errors: [], stdout: '', stderr: '', extra: '' };
  for (const event of ['spawn', 'exit', 'close', 'disconnect']) {
    child.on(event, (...values) => seen.order.push([event, ...values]));
  }
  child.on('message', (message) => seen.messages.push(message));
  child.on('error', (error) => {
    const { name, code, syscall, path, spawnargs } = error;
    seen.order.push('error');
    seen.errors.push({ name, code, syscall, path, spawnargs });
  });
  child.stdout?.setEncoding('utf8').on('data', (text) => (seen.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text) => (seen.stderr += text));
  child.stdio[4]?.setEncoding('utf8').on('data', (text) => (seen.extra += text));
  act?.(child);
  await new Promise((resolve) => {
    child.on('close', resolve);
    // Node itself emits no `close` when the parent has disconnected.
    child.on('exit', () => setTimeout(resolve, 500));
  });
  const { exitCode, signalCode, killed, connected, spawnfile, spawnargs } = child;
  return { ...seen, code: exitCode, signal: signalCode, killed, connected, spawnfile, spawnargs, stdio: child.stdio.map((stream) => stream?.constructor.name) };
}

function talk(child) {
  child.send('hello');
  child.send({ deep: [1, 'two'] });
  child.send('end');
}
