// Walls around a child that runs already.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { JailKeeper, JailKeeperError, follow, isAlive, next, until, workDirectory } from './stage.mjs';

const SECRET = '/etc/passwd';

/** A shell that says that it is there, waits for a file, and goes on. */
function waiting(cwd, script, before = '') {
  const wait = 'until [ -e go ]; do sleep 0.01; done';
  return spawn('sh', ['-c', `${before} : >ready; ${wait}; ${script}`], { cwd });
}

/** Resolves to the start event, and rejects if there is none. */
function started(jail) {
  return new Promise((resolve, reject) => {
    jail.once('start', resolve);
    jail.once('error', reject);
  });
}

async function ready(cwd) {
  await until(() => existsSync(join(cwd, 'ready')));
}

test('a running child gets walls, and its jailbreak is an event before exit', async () => {
  for (const attached of [false, true]) {
    const cwd = workDirectory();
    const child = waiting(cwd, `echo inside > made && cat made; cat ${SECRET}; echo after`);
    const output = follow(child);
    await ready(cwd);
    const order = [];
    if (attached) {
      const jail = new JailKeeper(child, { write: cwd, workingDirectory: false });
      assert.throws(() => jail.spawn('true'), { code: 'EBUSY' });
      for (const name of ['start', 'jailbreak', 'error']) {
        jail.on(name, (event) => order.push([name, event.file]));
      }
      const start = await started(jail);
      assert.deepEqual([start.pid, start.strength], [child.pid, 'flat']);
      const gone = next(jail, 'exit');
      writeFileSync(join(cwd, 'go'), '');
      const [code, signal, event] = await gone;
      assert.deepEqual([code, signal, event.jailbreak], [null, 'SIGKILL', true]);
      assert.deepEqual(order, [['start', undefined], ['jailbreak', SECRET]]);
    } else {
      writeFileSync(join(cwd, 'go'), '');
    }
    const { stdout, signal } = await output;
    assert.equal(signal, attached ? 'SIGKILL' : null);
    assert.equal(stdout.includes('root:'), !attached, 'the control reads it');
    assert.ok(stdout.startsWith('inside\n'));
  }
});

test('a child that lives by the rules ends as it would have', async () => {
  const cwd = workDirectory();
  const child = waiting(cwd, 'echo on; exit 7');
  const output = follow(child);
  await ready(cwd);
  const jail = new JailKeeper(child, { cwd });
  const gone = next(jail, 'exit');
  await started(jail);
  writeFileSync(join(cwd, 'go'), '');
  const { stdout, code } = await output;
  assert.deepEqual([stdout, code], ['on\n', 7]);
  assert.deepEqual((await gone).slice(0, 2), [7, null]);
  // The jail is free again.
  assert.equal((await follow(jail.spawn('true', { cwd }))).code, 0);
});

test('what the child has open outside is refused, closed or kept', async () => {
  for (const [outside, expected] of [['refuse', 'root'], ['close', ''], ['keep', 'root']]) {
    const cwd = workDirectory();
    const child = waiting(cwd, 'head -c 4 <&7', `exec 7<${SECRET};`);
    const output = follow(child);
    await ready(cwd);
    const jail = new JailKeeper(child, { cwd, outside });
    const event = outside === 'refuse' ? (await next(jail, 'error'))[0] : await started(jail);
    if (outside === 'refuse') {
      assert.ok(event instanceof JailKeeperError);
      assert.equal(event.code, 'EPOLICY');
      assert.match(event.message, /descriptor 7/);
      assert.match(event.hint, /--outside/);
    } else {
      const entry = event.outside.find(({ descriptor }) => descriptor === 7);
      assert.deepEqual([entry.file, entry.state], [SECRET, outside === 'close' ? 'closed' : 'kept']);
    }
    writeFileSync(join(cwd, 'go'), '');
    assert.equal((await output).stdout, expected, outside);
  }
});

test('a child without a process, and options that make no sense', async () => {
  const child = spawn('true');
  await next(child, 'exit');
  assert.throws(() => new JailKeeper(child), { code: 'ENOTFOUND' });
  const running = spawn('sleep', ['5']);
  assert.throws(() => new JailKeeper(running, { outside: 'ask' }), { code: 'EPOLICY' });
  assert.throws(() => new JailKeeper(running, { raed: [] }), { code: 'EPOLICY' });
  assert.ok(isAlive(running.pid));
  running.kill();
  await next(running, 'exit');
});

test('the end of the host program is the end of what it attached to', async () => {
  const cwd = workDirectory();
  const script = `
    const { spawn } = require('node:child_process'); const JailKeeper = require('jailkeeper');
    const child = spawn('sleep', ['30'], { stdio: 'ignore', detached: true });
    child.once('spawn', () => setTimeout(() => new JailKeeper(child, { cwd: ${JSON.stringify(cwd)} }).on('start', () => {
      console.log(child.pid);
    }), 100));`;
  const host = spawn(process.execPath, ['-e', script], { cwd: import.meta.dirname ?? '.', stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await next(host.stdout.setEncoding('utf8'), 'data');
  const pid = Number(line);
  assert.ok(isAlive(pid));
  host.kill('SIGKILL');
  await until(() => !isAlive(pid));
});
