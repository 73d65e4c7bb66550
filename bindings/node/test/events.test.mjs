// What a jail emits, when, and to whom.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { JailKeeper, follow, isAlive, next, workDirectory } from './stage.mjs';

const cwd = workDirectory();
const SECRET = '/etc/passwd';

test('a jailbreak has every field, comes before exit, and ends the jail', async () => {
  const jail = new JailKeeper();
  const order = [];
  let message;
  jail.on('start', () => order.push('start'));
  jail.on('jailbreak', (event) => {
    order.push('jailbreak');
    message = event;
  });
  jail.on('exit', (code, signal, event) => order.push(['exit', code, signal, event.jailbreak]));
  const child = jail.spawn('sh', ['-c', `cat ${SECRET}; echo after`], { cwd });
  child.on('exit', () => order.push('child exit'));
  const gone = next(jail, 'exit');
  const { stdout } = await follow(child);
  await gone;
  assert.equal(stdout, '');
  assert.deepEqual(order, ['start', 'jailbreak', 'child exit', ['exit', null, 'SIGKILL', true]]);
  assert.equal(message.mode, 'read');
  assert.equal(message.file, SECRET);
  assert.equal(message.resolved, SECRET);
  assert.match(message.program, /cat$|coreutils/);
  assert.deepEqual(message.argv, ['cat', SECRET]);
  assert.ok(message.pid > 0 && message.jail_pid > 0);
  assert.equal(message.ancestors.length, 1);
  assert.equal(message.ancestors[0].argv[0], 'sh');
  assert.equal(message.action, 'killed');
  for (const name of ['v', 'seq', 'time', 'jail', 'operation', 'syscall', 'flags', 'rule', 'hint']) {
    assert.ok(name in message, name);
  }
});

test('writing outside is seen as writing, and changes nothing', async () => {
  const jail = new JailKeeper();
  const seen = next(jail, 'jailbreak');
  const place = workDirectory();
  await follow(jail.spawn(`echo x > ${place}/new`, { cwd }));
  const [{ mode, file }] = await seen;
  assert.deepEqual([mode, file], ['write', join(place, 'new')]);
  assert.equal(existsSync(join(place, 'new')), false);
});

test('with onJailbreak deny the command goes on', async () => {
  const jail = new JailKeeper({ onJailbreak: 'deny' });
  const actions = [];
  jail.on('jailbreak', ({ action }) => actions.push(action));
  const { stdout, code } = await follow(jail.spawn(`cat ${SECRET}; echo after`, { cwd }));
  assert.deepEqual([stdout, code, actions], ['after\n', 0, ['denied']]);
});

test('a probe is forgiven, unless the jail is strict', async () => {
  const probes = new JailKeeper({ reportProbes: true });
  const files = [];
  probes.on('probe', ({ file }) => files.push(file));
  assert.equal((await follow(probes.spawn(`test -e ${SECRET} || echo none`, { cwd }))).stdout, 'none\n');
  assert.ok(files.includes(SECRET));
  const strict = new JailKeeper({ strict: true });
  const broke = next(strict, 'jailbreak');
  await follow(strict.spawn(`test -e ${SECRET}`, { cwd }));
  assert.equal((await broke)[0].file, SECRET);
});

test('a limit is told', async () => {
  const jail = new JailKeeper({ wallTime: 150 });
  const limit = next(jail, 'limit');
  const exit = next(jail, 'exit');
  const { signal } = await follow(jail.spawn('sleep', ['60'], { cwd }));
  const [{ kind }] = await limit;
  assert.equal(kind, 'wall-time');
  assert.equal((await exit)[2].limit, 'wall-time');
  assert.equal(signal, 'SIGKILL');
});

test('one child at a time; after exit the next', async () => {
  const jail = new JailKeeper();
  const first = jail.spawn('sleep', ['60'], { cwd });
  const busy = { name: 'JailKeeperError', code: 'EBUSY', hint: /exit/ };
  assert.throws(() => jail.spawn('true', { cwd }), busy);
  assert.throws(() => jail.spawnSync('true', { cwd }), busy);
  await assert.rejects(jail.run('true', { cwd }), busy);
  const again = next(first, 'exit').then(() => follow(jail.spawn('true', { cwd })));
  const exits = [];
  jail.on('exit', (code) => exits.push(code));
  first.kill();
  assert.equal((await again).code, 0);
  await new Promise(setImmediate);
  assert.deepEqual(exits, [null, 0]);
  await follow(jail.spawn('cat', [SECRET], { cwd }));
  assert.equal((await follow(jail.spawn('true', { cwd }))).code, 0);
});

test('nothing is alive at exit, whatever was forked and detached', async () => {
  const jail = new JailKeeper();
  const script = 'for i in 1 2 3 4 5 6 7 8 9 10; do (setsid sleep 77.7 & setsid nohup sleep 77.7 >/dev/null 2>&1 &) ; done; sleep 0.2';
  const child = jail.spawn('sh', ['-c', script], { cwd, stdio: 'ignore' });
  const [{ pid }] = await next(jail, 'start');
  let left;
  jail.on('exit', () => {
    left = sleepers();
  });
  await follow(child);
  assert.deepEqual(left, []);
  assert.equal(isAlive(pid), false);
});

test('listeners that throw keep nothing from anybody', async () => {
  const { fork } = await import('node:child_process');
  const worker = fork(new URL('./throwing.mjs', import.meta.url), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], cwd });
  const [told] = await next(worker, 'message');
  assert.deepEqual(told, { thrown: 5, first: 5, second: 5, once: 1, exits: 1, uncaught: 7 });
  worker.disconnect();
});

test('10,000 events are delivered in order, to a slow listener too', { timeout: 120_000 }, async () => {
  const jail = new JailKeeper({ onJailbreak: 'deny', read: [process.execPath] });
  writeFileSync(
    join(cwd, 'loop.cjs'),
    `const fs = require('fs'); for (let i = 0; i < 10000; i += 1) try { fs.openSync('${SECRET}') } catch {}; console.log('done')`,
  );
  const sequence = [];
  jail.on('jailbreak', ({ seq }) => {
    sequence.push(seq);
    if (sequence.length % 1000 === 0) {
      const end = Date.now() + 50;
      while (Date.now() < end);
    }
  });
  const exit = next(jail, 'exit');
  const { stdout, code } = await follow(jail.spawn(process.execPath, ['loop.cjs'], { cwd }));
  await exit;
  assert.deepEqual([stdout, code], ['done\n', 0]);
  assert.equal(sequence.length, 10_000);
  assert.ok(sequence.every((seq, at) => at === 0 || seq > sequence[at - 1]));
});

test('a path that is not text comes with its bytes', async () => {
  const place = workDirectory();
  const name = Buffer.concat([Buffer.from(`${place}/`), Buffer.from([0xff, 0xfe])]);
  writeFileSync(name, 'x');
  const jail = new JailKeeper();
  const broke = next(jail, 'jailbreak');
  await follow(jail.spawn('sh', ['-c', `cat "${place}/$(printf '\\377\\376')"`], { cwd }));
  const [{ file_bytes }] = await broke;
  assert.deepEqual(Buffer.from(file_bytes, 'base64'), name);
});

function sleepers() {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('77.7\0');
      } catch {
        return false;
      }
    });
}
