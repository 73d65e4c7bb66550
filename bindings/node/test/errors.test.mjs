// What goes wrong, and what the caller is told to do.
import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { JailKeeper, JailKeeperError, follow, internal, next, require, workDirectory } from './stage.mjs';

const cwd = workDirectory();
const { findBinary } = internal('binary.js');

test('a policy that cannot be kept is an error of the child, with a hint', async () => {
  const jail = new JailKeeper({ read: [join(cwd, 'nowhere')] });
  const child = jail.spawn('true', { cwd });
  const heard = next(jail, 'error');
  const { error, order, code } = await follow(child);
  assert.ok(error instanceof JailKeeperError);
  assert.equal(error.code, 'EPOLICY');
  assert.match(error.message, /nowhere/);
  assert.ok(error.hint);
  assert.equal(error.syscall, 'spawn true');
  assert.deepEqual(order, ['error', 'close']);
  assert.ok(code < 0);
  assert.equal((await heard)[0], error);
  assert.equal((await follow(new JailKeeper().spawn('true', { cwd }))).code, 0);
});

test('nothing of the failure is on the command’s stderr', async () => {
  const { stderr, error } = await follow(new JailKeeper({ write: [join(cwd, 'nowhere')] }).spawn('true', { cwd }));
  assert.equal(stderr, '');
  assert.equal(error.code, 'EPOLICY');
});

test('an error that only the jail listens to is no uncaught one', async () => {
  const jail = new JailKeeper();
  const heard = next(jail, 'error');
  jail.spawn('nosuchprogram', { cwd });
  assert.equal((await heard)[0].code, 'ENOTFOUND');
});

test('an error that nobody listens to is an uncaught one', async () => {
  const script = `new (require(${JSON.stringify(require.resolve('jailkeeper'))}))().spawn('nosuchprogram')`;
  const child = spawn(process.execPath, ['-e', script], { cwd });
  const { stderr, code } = await follow(child);
  assert.equal(code, 1);
  assert.match(stderr, /JailKeeperError: failed to find the command `nosuchprogram`/);
});

test('a jail is free again after a command that was not there', async () => {
  const jail = new JailKeeper();
  assert.equal((await follow(jail.spawn('nosuchprogram', { cwd }))).error.code, 'ENOTFOUND');
  assert.equal((await follow(jail.spawn('true', { cwd }))).code, 0);
});

test('arguments are checked as Node checks them', () => {
  const jail = new JailKeeper();
  for (const [values, code] of [
    [[], 'ERR_INVALID_ARG_TYPE'],
    [[5], 'ERR_INVALID_ARG_TYPE'],
    [[''], 'ERR_INVALID_ARG_VALUE'],
    [['a\0b'], 'ERR_INVALID_ARG_VALUE'],
    [['true', 'x'], 'ERR_INVALID_ARG_TYPE'],
    [['true', ['a\0b']], 'ERR_INVALID_ARG_VALUE'],
    [['true', [], 5], 'ERR_INVALID_ARG_TYPE'],
    [['true', [], { shell: 5 }], 'ERR_INVALID_ARG_TYPE'],
    [['true', [], { stdio: 'nonsense' }], 'ERR_INVALID_ARG_VALUE'],
    [['true', [], { stdio: ['ipc', 'ipc'] }], 'ERR_IPC_ONE_PIPE'],
    [['true', [], { cwd: 5 }], 'ERR_INVALID_ARG_TYPE'],
    [['true', [], { timeout: -5 }], 'ERR_OUT_OF_RANGE'],
    [['true', [], { signal: 5 }], 'ERR_INVALID_ARG_TYPE'],
    [['true', [], { killSignal: 'SIGNONE' }], 'ERR_UNKNOWN_SIGNAL'],
  ]) {
    assert.throws(() => spawn(...values), { code }, `child_process: ${values}`);
    assert.throws(() => jail.spawn(...values), { code }, `jail: ${JSON.stringify(values)}`);
  }
});

test('the program comes from the platform’s package', () => {
  assert.equal(findBinary({}), join(require.resolve(`@jailkeeper/linux-${process.arch}/package.json`), '..', 'bin', 'jailkeeper'));
});

test('without that package it is JAILKEEPER_BINARY, then PATH, then a sentence', async () => {
  // The same package where no other is: only its own files are copied.
  const place = workDirectory();
  const copy = join(place, 'node_modules', 'jailkeeper');
  const { cpSync } = await import('node:fs');
  cpSync(join(require.resolve('jailkeeper/package.json'), '..'), copy, { recursive: true });
  const { findBinary: find } = require(join(copy, 'dist', 'binary.js'));
  mkdirSync(join(place, 'bin'));
  mkdirSync(join(place, 'other'));
  for (const folder of ['bin', 'other']) {
    copyFileSync(findBinary({}), join(place, folder, 'jailkeeper'));
  }
  const PATH = `relative::${place}/none:${place}/bin`;
  assert.equal(find({ PATH, JAILKEEPER_BINARY: join(place, 'other', 'jailkeeper') }), join(place, 'other', 'jailkeeper'));
  assert.equal(find({ PATH }), join(place, 'bin', 'jailkeeper'));
  const missing = { name: undefined, code: 'ENOBINARY', message: /^failed to/ };
  delete missing.name;
  assert.throws(() => find({ PATH: '/nowhere' }), { ...missing, hint: /@jailkeeper\/linux-/ });
  assert.throws(() => find({}), missing);
  chmodSync(join(place, 'other', 'jailkeeper'), 0o644);
  assert.throws(() => find({ JAILKEEPER_BINARY: join(place, 'other', 'jailkeeper') }), { ...missing, hint: /JAILKEEPER_BINARY/ });
  // A checkout has a build two directories up.
  const checkout = join(place, 'checkout');
  cpSync(copy, join(checkout, 'bindings', 'node'), { recursive: true });
  mkdirSync(join(checkout, 'crates', 'jailkeeper-cli'), { recursive: true });
  writeFileSync(join(checkout, 'crates', 'jailkeeper-cli', 'Cargo.toml'), '');
  mkdirSync(join(checkout, 'target', 'debug'), { recursive: true });
  copyFileSync(findBinary({}), join(checkout, 'target', 'debug', 'jailkeeper'));
  const { findBinary: develop } = require(join(checkout, 'bindings', 'node', 'dist', 'binary.js'));
  assert.equal(develop({ PATH }), join(checkout, 'target', 'debug', 'jailkeeper'));
});

test('a kernel or machine that lacks something says what', async () => {
  // A program of the engine's protocol that finds nothing here.
  const { failureOf } = internal('failure.js');
  const line = { event: 'error', v: 1, kind: 'EUNSUPPORTED', message: 'failed to make a process in new namespaces', hint: 'run `jailkeeper doctor`' };
  const error = failureOf({ line, started: false, code: 125, signal: null }, 'ls', ['-l']);
  assert.equal(error.code, 'EUNSUPPORTED');
  assert.equal(error.hint, line.hint);
  const stderr = 'error: failed to open `/dev/fuse`\ncaused by: Permission denied\n\nhint: chmod 0666 /dev/fuse\n';
  const old = failureOf({ started: false, code: 125, signal: null, stderr }, 'ls', []);
  assert.equal(old.message, 'failed to open `/dev/fuse`: Permission denied');
  assert.equal(old.hint, 'chmod 0666 /dev/fuse');
  assert.equal(failureOf({ started: true, code: 125, signal: null }, 'ls', []), undefined);
  assert.equal(failureOf({ started: false, code: 1, signal: null }, 'ls', []), undefined);
});

test('running out of descriptors is Node’s own error', async () => {
  const worker = fork(new URL('./descriptors.mjs', import.meta.url), { cwd, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [told] = await next(worker, 'message');
  assert.deepEqual(told, { code: 'EMFILE', after: 0 });
  worker.disconnect();
});
