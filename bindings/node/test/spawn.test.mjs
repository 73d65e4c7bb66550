// `spawn`: a real ChildProcess, with everything that Node can do with one.
import assert from 'node:assert/strict';
import { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { JailKeeper, follow, isAlive, next, sleep, until, workDirectory } from './stage.mjs';

const cwd = workDirectory();

test('spawn returns a ChildProcess that looks like that of the command', async () => {
  const child = new JailKeeper().spawn('cat', ['-'], { cwd });
  assert.ok(child instanceof ChildProcess);
  assert.ok(child.pid > 0);
  assert.equal(child.spawnfile, 'cat');
  assert.deepEqual(child.spawnargs, ['cat', '-']);
  assert.equal(child.stdio.length, 3);
  assert.deepEqual([child.exitCode, child.signalCode, child.killed], [null, null, false]);
  const end = follow(child);
  child.stdin.end('through');
  const { order, stdout, code } = await end;
  assert.deepEqual({ order, stdout, code }, { order: ['spawn', 'exit', 'close'], stdout: 'through', code: 0 });
  assert.equal(child.exitCode, 0);
});

test('a line without arguments runs in a shell, a file with spaces does not', async () => {
  const jail = new JailKeeper();
  assert.equal((await follow(jail.spawn('echo "a  b" | tr a x', [], { cwd }))).stdout, 'x  b\n');
  writeFileSync(join(cwd, 'two words'), '#!/bin/sh\necho "file $#"\n', { mode: 0o755 });
  assert.equal((await follow(jail.spawn('./two words', { cwd }))).stdout, 'file 0\n');
  const env = { PATH: `${cwd}:/usr/bin:/bin` };
  assert.equal((await follow(jail.spawn('two words', { cwd, env }))).stdout, 'file 0\n');
  assert.equal((await follow(jail.spawn('echo no shell', ['x'], { cwd }))).error.code, 'ENOTFOUND');
});

test('extra descriptors arrive under their numbers, both ways', async () => {
  writeFileSync(join(cwd, 'outside'), 'content');
  const file = openSync(join(cwd, 'outside'), 'r');
  const child = new JailKeeper({ workingDirectory: false }).spawn('sh', ['-c', 'cat <&4 >&3; cat <&6 >&3; ls /proc/self/fd'], {
    cwd: '/usr',
    stdio: ['ignore', 'pipe', 'inherit', 'pipe', file, null, 'pipe'],
  });
  assert.equal(child.stdio.length, 7);
  const end = follow(child);
  child.stdio[6].end('+ more');
  assert.equal(await text(child.stdio[3]), 'content+ more');
  // Neither the events nor anything else of ours is open in the jail; ls opens one itself.
  assert.deepEqual((await end).stdout.trim().split('\n').map(Number), [0, 1, 2, 3, 4, 5, 6]);
});

test('messages go both ways, with stdio of any other kind', async () => {
  const script = 'process.on("message", (m) => { process.send({ got: m }); process.disconnect(); })';
  for (const [stdio, serialization] of [
    [['ignore', 'inherit', 'inherit', 'ipc'], 'json'],
    [['pipe', 'pipe', 'pipe', 'pipe', 'ipc'], 'advanced'],
  ]) {
    const child = new JailKeeper({ read: [process.execPath] }).spawn(process.execPath, ['-e', script], { cwd, stdio, serialization });
    const answer = next(child, 'message');
    const end = follow(child);
    child.send({ n: 1 });
    assert.deepEqual((await answer)[0], { got: { n: 1 } });
    assert.equal((await end).code, 0);
  }
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGQUIT', 'SIGALRM', 'SIGABRT', 'SIGPIPE', 'SIGXCPU', 'SIGKILL', 'SIGSEGV', 15, 34]) {
  test(`kill(${signal}) ends the command by that signal`, async () => {
    const jail = new JailKeeper();
    const child = jail.spawn('sleep', ['60'], { cwd });
    const end = follow(child);
    await next(jail, 'start');
    await sleep(20);
    assert.equal(child.kill(signal), true);
    assert.equal(child.killed, true);
    const { code, signal: by } = await end;
    if (signal === 34) {
      assert.ok(by !== null || code !== 0);
    } else {
      assert.deepEqual([code, by], [null, signal === 15 ? 'SIGTERM' : signal]);
    }
  });
}

test('a command can catch signals, and be stopped and go on', async () => {
  const jail = new JailKeeper();
  const script = 'trap "echo winch" WINCH; trap "echo usr1; exit 7" USR1; echo ready; while :; do sleep 0.02; done';
  const child = jail.spawn('sh', ['-c', script], { cwd });
  let pid;
  jail.on('start', (event) => (pid = event.pid));
  const end = follow(child);
  await next(child.stdout, 'data');
  const state = () => readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\) /, '')[0];
  child.kill('SIGSTOP');
  await until(() => state() === 'T');
  child.kill('SIGCONT');
  await until(() => state() !== 'T');
  child.kill('SIGWINCH');
  await sleep(100);
  child.kill('SIGUSR1');
  const { stdout, code } = await end;
  assert.deepEqual([stdout, code], ['ready\nwinch\nusr1\n', 7]);
  assert.equal(child.kill(), false);
});

test('a signal that comes before the command is not lost', async () => {
  for (const signal of ['SIGTERM', 'SIGABRT', 'SIGKILL']) {
    const jail = new JailKeeper();
    const child = jail.spawn('sleep', ['60'], { cwd });
    assert.equal(child.kill(signal), true);
    assert.equal((await follow(child)).signal, signal);
  }
});

test('unknown signals are Node’s to refuse, and 0 asks', async () => {
  const child = new JailKeeper().spawn('cat', { cwd });
  assert.throws(() => child.kill('SIGNONE'), { code: 'ERR_UNKNOWN_SIGNAL' });
  assert.equal(child.kill(0), true);
  child.stdin.end();
  await follow(child);
  assert.equal(child.kill(0), false);
});

test('an AbortSignal and a timeout end the jail', async () => {
  const controller = new AbortController();
  const jail = new JailKeeper();
  const child = jail.spawn('sleep', ['60'], { cwd, signal: controller.signal });
  const end = follow(child);
  setTimeout(() => controller.abort(), 50);
  const aborted = await end;
  assert.equal(aborted.error.name, 'AbortError');
  assert.equal(aborted.signal, 'SIGTERM');
  const late = await follow(new JailKeeper().spawn('sleep', ['60'], { cwd, timeout: 60, killSignal: 'SIGKILL' }));
  assert.equal(late.signal, 'SIGKILL');
});

test('argv0, and an environment of exactly these', async () => {
  const env = { PATH: '/usr/bin:/bin', SECRET: 'a b=c\nd', LD_LIBRARY_PATH: '/nowhere' };
  const seen = await follow(new JailKeeper().spawn('sh', ['-c', 'echo $0; env -0'], { cwd, env, argv0: 'other' }));
  const [name, ...rest] = seen.stdout.split('\n');
  assert.equal(name, 'other');
  const variables = Object.fromEntries(rest.join('\n').split('\0').filter(Boolean).map((pair) => /^([^=]+)=([^]*)$/.exec(pair).slice(1)));
  assert.equal(variables.SECRET, env.SECRET);
  assert.equal(variables.LD_LIBRARY_PATH, '/nowhere');
  // What the engine sets itself it sets in an empty environment too.
  const { stdout } = await follow(new JailKeeper().spawn('/usr/bin/env', ['-0'], { cwd, env: {} }));
  const ofTheEngine = stdout.split('\0').map((pair) => pair.split('=')[0]).concat('OLDPWD');
  const added = Object.keys(variables).filter((key) => !(key in env) && !ofTheEngine.includes(key));
  assert.deepEqual(added, []);
});

test('without env nothing of the caller’s secrets gets in', async () => {
  process.env.A_SECRET = 'x';
  const { stdout } = await follow(new JailKeeper().spawn('env', { cwd }));
  delete process.env.A_SECRET;
  assert.doesNotMatch(stdout, /A_SECRET|JAILKEEPER/);
  assert.match(stdout, /^PATH=/m);
});

test('relative paths are of the caller’s directory, at the time of new', async () => {
  const before = process.cwd();
  const place = workDirectory();
  mkdirSync(join(place, 'out'));
  writeFileSync(join(place, 'in'), 'readable');
  try {
    process.chdir(place);
    const jail = new JailKeeper({ read: ['in', new URL(`file://${place}/in`)], write: './out', workingDirectory: false });
    process.chdir('/');
    const seen = await follow(jail.spawn('sh', ['-c', `cat ${place}/in > ${place}/out/copy`], { cwd: '/usr' }));
    assert.equal(seen.code, 0, seen.stderr);
    assert.equal(readFileSync(join(place, 'out', 'copy'), 'utf8'), 'readable');
  } finally {
    process.chdir(before);
  }
});

test('detached is a group of its own, which can be killed as a group', async () => {
  const jail = new JailKeeper();
  const child = jail.spawn('sleep', ['60'], { cwd, detached: true, stdio: 'ignore' });
  const end = follow(child);
  const [{ pid }] = await next(jail, 'start');
  process.kill(-child.pid, 'SIGTERM');
  assert.equal((await end).signal, 'SIGTERM');
  assert.equal(isAlive(pid), false);
});

test('uid and gid are those of the program', { skip: process.getuid() !== 0 && 'needs root' }, async () => {
  const place = workDirectory();
  const fs = await import('node:fs');
  fs.chownSync(place, 65534, 65534);
  const seen = await follow(new JailKeeper().spawn('sh', ['-c', 'id -u; echo > made'], { cwd: place, uid: 65534, gid: 65534 }));
  assert.equal(seen.error, undefined);
  assert.equal(seen.stdout, '65534\n');
  assert.equal(fs.statSync(join(place, 'made')).uid, 65534);
});

test('back-pressure of stdout is Node’s own', async () => {
  const child = new JailKeeper().spawn('sh', ['-c', 'head -c 3000000 /dev/zero; touch done'], { cwd });
  let length = 0;
  await sleep(300);
  assert.equal(existsSync(join(cwd, 'done')), false);
  child.stdout.on('data', (piece) => (length += piece.length));
  await next(child, 'close');
  assert.equal(length, 3_000_000);
  assert.ok(existsSync(join(cwd, 'done')));
});

test('an unreferenced child keeps no process from ending', async () => {
  const { execFile } = await import('node:child_process');
  const script = `const c = new (require('jailkeeper'))().spawn('sleep', ['5'], { stdio: 'ignore' }); c.unref();`;
  const start = Date.now();
  await new Promise((resolve, reject) => execFile(process.execPath, ['-e', script], { cwd: process.cwd() }, (e) => (e ? reject(e) : resolve())));
  assert.ok(Date.now() - start < 4000);
});
