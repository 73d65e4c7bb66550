// exec, execFile, fork, spawnSync and run().
import assert from 'node:assert/strict';
import childProcess from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { JailKeeper, follow, next, workDirectory } from './stage.mjs';

const cwd = workDirectory();
const SECRET = '/etc/passwd';
const env = { PATH: '/usr/bin:/bin', HOME: cwd, SHELL: '/bin/sh' };

/** The same call of both, and what the callback got. */
async function both(name, ...values) {
  const outcomes = [];
  for (const from of [childProcess, new JailKeeper()]) {
    outcomes.push(
      await new Promise((resolve) => {
        from[name](...values, (error, stdout, stderr) => {
          const told = error && { name: error.name, message: error.message, code: error.code, killed: error.killed, signal: error.signal, cmd: error.cmd };
          resolve({ error: told, stdout, stderr });
        });
      }),
    );
  }
  return outcomes;
}

for (const [title, name, ...values] of [
  ['a line', 'exec', 'echo "a b" | cat; echo err >&2', { cwd, env }],
  ['a line that fails', 'exec', 'echo out; echo err >&2; exit 3', { cwd, env }],
  ['a line in bash', 'exec', 'echo $0', { cwd, env, shell: '/bin/bash' }],
  ['a line with a time-out', 'exec', 'echo out; sleep 60', { cwd, env, timeout: 200 }],
  ['a line with too much to say', 'exec', 'head -c 5000 /dev/zero | tr "\\0" x; sleep 60', { cwd, env, maxBuffer: 1000 }],
  ['buffers', 'exec', 'echo bytes', { cwd, env, encoding: 'buffer' }],
  ['hexadecimal', 'exec', 'echo bytes', { cwd, env, encoding: 'hex' }],
  ['a file', 'execFile', 'echo', ['a b', '$HOME'], { cwd, env }],
  ['a file that fails', 'execFile', 'sh', ['-c', 'exit 9'], { cwd, env }],
  ['a file with a signal', 'execFile', 'sh', ['-c', 'kill -USR1 $$'], { cwd, env }],
  ['a file without arguments', 'execFile', 'pwd', { cwd, env }],
]) {
  test(`${name} as child_process does: ${title}`, async () => {
    const [plain, jailed] = await both(name, ...values);
    assert.deepEqual(jailed, plain);
  });
}

test('exec and execFile know util.promisify', async () => {
  const jail = new JailKeeper();
  assert.deepEqual(await promisify(jail.exec)('echo out; echo err >&2', { cwd }), { stdout: 'out\n', stderr: 'err\n' });
  assert.deepEqual(await promisify(jail.execFile)('echo', ['x'], { cwd }), { stdout: 'x\n', stderr: '' });
  await assert.rejects(promisify(jail.exec)('echo out; exit 2', { cwd }), { code: 2, stdout: 'out\n' });
  const promise = promisify(jail.exec)('true', { cwd });
  assert.ok(promise.child instanceof childProcess.ChildProcess);
  await promise;
});

test('exec without a callback, and with a command that is not there', async () => {
  const jail = new JailKeeper();
  assert.equal((await follow(jail.exec('exit 3', { cwd }))).code, 3);
  const error = await new Promise((resolve) => jail.execFile('nosuchprogram', { cwd }, resolve));
  assert.equal(error.code, 'ENOTFOUND');
});

test('exec of a thief', async () => {
  const jail = new JailKeeper();
  const broke = next(jail, 'jailbreak');
  const [error, stdout] = await new Promise((resolve) => jail.exec(`cat ${SECRET}`, { cwd }, (...values) => resolve(values)));
  assert.deepEqual([error.signal, stdout], ['SIGKILL', '']);
  assert.equal((await broke)[0].file, SECRET);
});

test('fork talks, in every form', async () => {
  writeFileSync(join(cwd, 'module.cjs'), 'process.on("message", (m) => { process.send([m, process.argv.slice(2), process.execArgv]); process.disconnect(); })');
  for (const options of [{}, { silent: true }, { stdio: 'pipe' }, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }, { serialization: 'advanced' }]) {
    const jail = new JailKeeper();
    const child = jail.fork(join(cwd, 'module.cjs'), ['a', 'b'], { cwd, execArgv: ['--no-warnings'], ...options });
    const answer = next(child, 'message');
    child.send('hello');
    assert.deepEqual((await answer)[0], ['hello', ['a', 'b'], ['--no-warnings']]);
    assert.equal((await next(jail, 'exit'))[0], 0);
  }
  assert.throws(() => new JailKeeper().fork('x', { stdio: ['pipe', 'pipe', 'pipe'] }), { code: 'ERR_CHILD_PROCESS_IPC_REQUIRED' });
});

test('fork hands sockets on', async () => {
  const net = await import('node:net');
  writeFileSync(join(cwd, 'socket.cjs'), 'process.on("message", (m, socket) => { socket.end("from the jail"); process.disconnect(); })');
  const child = new JailKeeper().fork(join(cwd, 'socket.cjs'), { cwd });
  const server = net.createServer((socket) => child.send('take', socket)).listen(0, '127.0.0.1');
  await next(server, 'listening');
  const client = net.connect(server.address().port, '127.0.0.1');
  const [data] = await next(client, 'data');
  assert.equal(String(data), 'from the jail');
  server.close();
});

test('a forked thief', async () => {
  writeFileSync(join(cwd, 'thief.cjs'), `process.on('message', () => process.send(require('fs').readFileSync('${SECRET}', 'utf8')))`);
  const jail = new JailKeeper();
  const broke = next(jail, 'jailbreak');
  const child = jail.fork(join(cwd, 'thief.cjs'), { cwd });
  let told = false;
  child.on('message', () => (told = true));
  child.send('go');
  const [[{ file, program }], [, signal]] = await Promise.all([broke, next(jail, 'exit')]);
  assert.deepEqual([file, signal, told], [SECRET, 'SIGKILL', false]);
  assert.match(program, /node$/);
});

for (const [title, ...values] of [
  ['output', 'sh', ['-c', 'echo out; echo err >&2; exit 3'], { cwd, env }],
  ['input and encoding', 'cat', [], { cwd, env, input: 'input', encoding: 'utf8' }],
  ['a signal', 'sh', ['-c', 'kill -TERM $$'], { cwd, env }],
  ['a shell', 'echo $0 | cat', { cwd, env, shell: true, encoding: 'utf8' }],
  ['stdio', 'sh', ['-c', 'cat; echo lost'], { cwd, env, stdio: ['pipe', 'ignore', 'inherit'], input: 'x' }],
  ['an extra pipe', 'sh', ['-c', 'echo three >&3'], { cwd, env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'], encoding: 'utf8' }],
]) {
  test(`spawnSync as child_process does: ${title}`, () => {
    const plain = childProcess.spawnSync(...values);
    const jailed = new JailKeeper().spawnSync(...values);
    assert.ok(jailed.pid > 0);
    assert.deepEqual({ ...jailed, pid: 0 }, { ...plain, pid: 0 });
  });
}

test('spawnSync ends by time and by maxBuffer', () => {
  const jail = new JailKeeper();
  for (const killSignal of ['SIGTERM', 'SIGKILL']) {
    const late = jail.spawnSync('sleep', ['60'], { cwd, timeout: 150, killSignal });
    assert.deepEqual([late.signal, late.error.code], [killSignal, 'ETIMEDOUT']);
  }
  const loud = jail.spawnSync('yes', { cwd, maxBuffer: 1000 });
  assert.equal(loud.error.code, 'ENOBUFS');
});

test('spawnSync emits before it returns', () => {
  const jail = new JailKeeper();
  const order = [];
  for (const name of ['start', 'jailbreak', 'exit']) {
    jail.on(name, () => order.push(name));
  }
  const { status, signal } = jail.spawnSync('cat', [SECRET], { cwd });
  assert.deepEqual([status, signal, order], [null, 'SIGKILL', ['start', 'jailbreak', 'exit']]);
});

test('spawnSync of what is not there', () => {
  const { error, status } = new JailKeeper().spawnSync('nosuchprogram', { cwd });
  assert.equal(error.code, 'ENOTFOUND');
  assert.equal(status, null);
});

test('spawnSync with many events leaves maxBuffer to the output', () => {
  const jail = new JailKeeper({ onJailbreak: 'deny' });
  let count = 0;
  jail.on('jailbreak', () => (count += 1));
  const { stdout } = jail.spawnSync(`for i in $(seq 300); do cat ${SECRET}; done 2>/dev/null; echo done`, { cwd, maxBuffer: 1000, encoding: 'utf8' });
  assert.deepEqual([stdout, count], ['done\n', 300]);
});

test('run resolves to everything', async () => {
  const jail = new JailKeeper();
  const good = await jail.run('sh', ['-c', 'cat; echo err >&2; exit 4'], { cwd, input: 'in' });
  assert.deepEqual({ ...good, report: null }, { code: 4, signal: null, stdout: 'in', stderr: 'err\n', jailbreaks: [], report: null });
  assert.equal(good.report.exit.code, 4);
  const bad = await jail.run(`echo first; cat ${SECRET}`, { cwd });
  assert.deepEqual([bad.code, bad.signal, bad.stdout], [null, 'SIGKILL', 'first\n']);
  assert.deepEqual(bad.jailbreaks.map(({ mode, file }) => [mode, file]), [['read', SECRET]]);
  assert.equal(bad.report.jailbreaks.length, 1);
  assert.equal(jail.listenerCount('jailbreak'), 0);
  const bytes = await jail.run('printf', ['\\377'], { cwd, encoding: 'buffer' });
  assert.deepEqual(bytes.stdout, Buffer.from([0xff]));
});

test('run rejects when nothing ran', async () => {
  const jail = new JailKeeper();
  await assert.rejects(jail.run('nosuchprogram', { cwd }), { code: 'ENOTFOUND' });
  await assert.rejects(jail.run('sleep', ['60'], { cwd, signal: AbortSignal.timeout(100) }), { name: 'AbortError' });
  await follow(await new Promise((resolve) => setTimeout(() => resolve(jail.spawn('true', { cwd })), 200)));
});
