// Options, as flags of `jailkeeper run`, and options that are refused.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { JailKeeper, internal } from './stage.mjs';

const { readPolicy } = internal('policy.js');
const flags = (options) => readPolicy(options).flags;

test('paths are made absolute', () => {
  assert.deepEqual(flags({ read: ['/usr/bin', './a', '../b', 'c d'], write: 'out', deny: [new URL('file:///x%20y')] }), [
    '--read=/usr/bin',
    `--read=${resolve('a')}`,
    `--read=${resolve('../b')}`,
    `--read=${resolve('c d')}`,
    `--write=${resolve('out')}`,
    '--deny=/x y',
  ]);
  assert.deepEqual(flags({ read: ['-x'] }), [`--read=${resolve('-x')}`]);
});

test('patterns are translated', () => {
  assert.deepEqual(flags({ read: /^\/srv\/\d+$/, write: [/\.pdf$/i] }), [
    '--read-pattern=^/srv/[0-9]+$',
    '--write-pattern=\\x{2E}[Pp][Dd][Ff]$',
  ]);
  const foreign = runInContext('/^\\/x/', createContext({}));
  assert.deepEqual(flags({ read: foreign }), ['--read-pattern=^/x']);
});

test('everything else has its flag, and defaults have none', () => {
  assert.deepEqual(flags({}), []);
  assert.deepEqual(flags({ base: true, workingDirectory: true, strict: false, reportProbes: false }), []);
  assert.deepEqual(
    flags({ base: false, workingDirectory: false, strict: true, reportProbes: true, tmp: 'deny', onJailbreak: 'deny', wallTime: 1500.5 }),
    ['--no-base', '--no-cwd', '--strict', '--report-probes', '--tmp=deny', '--on-jailbreak=deny', '--wall-time=1500.5ms'],
  );
  for (const strength of ['full', 'flat', 'monitor']) {
    assert.deepEqual(flags({ strength }), [`--strength=${strength}`]);
  }
  assert.deepEqual(flags({ strength: 'monitor', tracer: 'strace=/opt/strace' }), ['--strength=monitor', '--tracer=strace=/opt/strace']);
});

test('inner sandboxes and walls alone are asked for by name', () => {
  assert.deepEqual(flags({ nested: true, watch: 'none' }), ['--nested', '--watch=none']);
  assert.deepEqual(flags({ nested: false }), []);
  assert.throws(() => flags({ watch: 'never' }), { code: 'EPOLICY' });
});

for (const [name, options] of Object.entries({
  'a misspelt option': { dney: ['/x'] },
  'an option of spawn': { cwd: '/x' },
  'a number for a path': { read: [1] },
  'an empty path': { read: [''] },
  'a zero byte': { read: ['a\0b'] },
  'an object for a path': { write: [{}] },
  'a pattern to deny': { deny: [/x/] },
  'a web address': { read: [new URL('https://example.org/')] },
  'a word for a boolean': { strict: 'yes' },
  'no such choice': { onJailbreak: 'ask' },
  'a negative time': { wallTime: -1 },
  'an endless time': { wallTime: Infinity },
  'no such strength': { strength: 'weak' },
  'a tracer beside walls': { tracer: 'auto' },
  'a tracer that is no text': { strength: 'monitor', tracer: 5 },
  'null': null,
  'a string': '/usr',
})) {
  test(`refused: ${name}`, () => {
    assert.throws(() => new JailKeeper(options), (error) => {
      if (name === 'a web address') {
        return error.code === 'ERR_INVALID_URL_SCHEME';
      }
      assert.equal(error.name, 'JailKeeperError');
      assert.equal(error.code, 'EPOLICY');
      assert.match(error.message, /^failed to /);
      return true;
    });
  });
}
