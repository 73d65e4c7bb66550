// Many jails, large parents, dying parents.
import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { JailKeeper, follow, isAlive, next, until, workDirectory } from './stage.mjs';

const cwd = workDirectory();
const GIB = 2 ** 30;

test('100 jails at once', { timeout: 120_000 }, async () => {
  const jails = Array.from({ length: 100 }, () => new JailKeeper());
  const broken = [];
  const ends = jails.map((jail, at) => {
    jail.on('jailbreak', ({ file }) => broken.push([at, file]));
    const line = at % 10 === 0 ? 'read x; cat /etc/passwd' : `read x; echo ${at} $x`;
    const child = jail.spawn(line, { cwd });
    const started = next(jail, 'start');
    return { at, child, started, end: follow(child), exit: next(jail, 'exit') };
  });
  await Promise.all(ends.map(({ started }) => started));
  for (const { child } of ends) {
    child.stdin.end('go\n');
  }
  for (const { at, end, exit } of ends) {
    const { stdout, code, signal } = await end;
    await exit;
    assert.deepEqual([stdout, code, signal], at % 10 === 0 ? ['', null, 'SIGKILL'] : [`${at} go\n`, 0, null]);
  }
  assert.deepEqual(broken.sort(([a], [b]) => a - b), Array.from({ length: 10 }, (_, at) => [at * 10, '/etc/passwd']));
});

test('a parent of 1 GB', { timeout: 120_000 }, async (t) => {
  const size = freemem() > 3 * GIB ? GIB : GIB / 4;
  const ballast = Buffer.alloc(size, 1);
  const start = performance.now();
  const { stdout, code } = await follow(new JailKeeper().spawn('echo', ['through'], { cwd }));
  const jailed = performance.now() - start;
  await follow(spawn('echo', ['through'], { cwd }));
  const plain = performance.now() - start - jailed;
  t.diagnostic(`from a parent of ${size / 2 ** 20} MiB: child_process ${plain.toFixed(1)} ms, jail ${jailed.toFixed(1)} ms`);
  assert.deepEqual([stdout, code, ballast[size - 1]], ['through\n', 0, 1]);
});

test('a parent with worker threads, and jails in all of them', { timeout: 60_000 }, async () => {
  const workers = Array.from({ length: 4 }, () => new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { cwd } }));
  const own = follow(new JailKeeper().spawn('echo', ['main'], { cwd }));
  const told = await Promise.all(workers.map(async (worker) => (await next(worker, 'message'))[0]));
  assert.deepEqual(told, Array(4).fill({ stdout: ['one\n', 'two\n'], files: ['/etc/passwd'] }));
  assert.equal((await own).stdout, 'main\n');
  await Promise.all(workers.map((worker) => worker.terminate()));
});

for (const [how, end] of [
  ['is killed', (parent) => parent.kill('SIGKILL')],
  ['is interrupted', (parent) => parent.kill('SIGINT')],
  ['crashes', (parent) => parent.send('throw')],
  ['exits', (parent) => parent.send('exit')],
  ['aborts', (parent) => parent.send('abort')],
]) {
  test(`the jail dies when its parent ${how}`, async () => {
    for (const options of [{ stdio: 'ignore' }, { stdio: 'ignore', detached: true }, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }]) {
      const parent = fork(new URL('./parent.mjs', import.meta.url), [JSON.stringify(options)], { cwd, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      const [{ program, command }] = await next(parent, 'message');
      await until(() => processesOf('61.25').length === 3);
      assert.ok(isAlive(program) && isAlive(command));
      const gone = next(parent, 'exit');
      end(parent);
      await gone;
      await until(() => !isAlive(program) && !isAlive(command) && processesOf('61.25').length === 0);
    }
  });
}

test('the jail dies when its parent is killed in spawnSync', async () => {
  const parent = fork(new URL('./parent.mjs', import.meta.url), ['sync'], { cwd, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  await until(() => processesOf('61.25').length === 3);
  parent.kill('SIGKILL');
  await until(() => processesOf('61.25').length === 0);
});

test('the jails of a worker thread die with it', async () => {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { cwd, line: 'sleep 63.25; :' } });
  await until(() => processesOf('63.25').length === 2);
  await worker.terminate();
  await until(() => processesOf('63.25').length === 0);
});

test('nothing is alive at exit when the program itself was killed', async () => {
  const jail = new JailKeeper();
  const child = jail.spawn('for i in 1 2 3 4 5 6 7 8 9; do (setsid sleep 62.25 &); done; sleep 62.25; :', { cwd, stdio: 'ignore' });
  const exit = next(jail, 'exit');
  let left;
  child.on('exit', () => (left = processesOf('62.25')));
  await until(() => processesOf('62.25').length >= 10);
  process.kill(child.pid, 'SIGKILL');
  const [code, signal, event] = await exit;
  assert.deepEqual([code, signal, event, left], [null, 'SIGKILL', undefined, []]);
});

/** The `sleep`s of a duration, and the shell above them. */
function processesOf(duration) {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && isAlive(pid) && new RegExp(`^(sleep\0${duration}\0|(/bin/)?sh\0-c\0.*sleep ${duration})`).test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
    } catch {
      return false;
    }
  });
}
