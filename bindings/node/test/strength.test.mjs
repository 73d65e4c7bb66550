// How strong a jail is: the strongest that the machine has, unless a tracer is asked for.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { JailKeeper, follow, isAlive, next, require, until, workDirectory } from './stage.mjs';

const cwd = workDirectory();
const outside = join(workDirectory(), 'secret');
writeFileSync(outside, 'secret');

/** Has Landlock refused from here on, as by a kernel that was built without it. */
const WITHOUT_LANDLOCK = `
import ctypes, os, platform, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
create_ruleset = 444
code = [(0x20, 0, 0, 0), (0x15, 0, 1, create_ruleset), (6, 0, 0, 0x50000 | 38), (6, 0, 0, 0x7fff0000)]
words = b"".join(struct.pack("HBBI", *each) for each in code)
filter = ctypes.create_string_buffer(words)
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
program = Program(len(code), ctypes.addressof(filter))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
`;

test('monitor as a floor leaves the walls where there are some', async () => {
  const jail = new JailKeeper({ strength: 'monitor' });
  const start = next(jail, 'start');
  assert.equal((await follow(jail.spawn('true', { cwd }))).code, 0);
  const [{ strength }] = await start;
  assert.ok(['full', 'flat'].includes(strength), strength);
});

for (const tracer of ['auto', 'ptrace', 'strace']) {
  test(`by ${tracer}: a command runs, and is said to be watched alone`, async () => {
    const jail = new JailKeeper({ strength: 'monitor', tracer });
    const start = next(jail, 'start');
    const warnings = [];
    jail.on('warning', ({ kind }) => warnings.push(kind));
    const { order, stdout, code } = await follow(jail.spawn('sh', ['-c', 'echo made >file; cat file; exit 3'], { cwd }));
    assert.deepEqual({ order, stdout, code }, { order: ['spawn', 'exit', 'close'], stdout: 'made\n', code: 3 });
    const [{ strength, walls }] = await start;
    assert.equal(strength, 'monitor');
    assert.ok(Object.values(walls).every(({ state }) => state === 'off'));
    assert.ok(warnings.includes('monitor'), `${warnings}`);
  });

  test(`by ${tracer}: a jailbreak is an event, then nothing is alive, and the time is told`, async () => {
    const jail = new JailKeeper({ strength: 'monitor', tracer });
    const pids = [];
    const told = [];
    jail.on('start', ({ pid }) => pids.push(pid));
    jail.on('jailbreak', (event) => told.push(event));
    const exit = next(jail, 'exit');
    const script = `sleep 60 & (sleep 60 &) ; cat ${outside}; sleep 60; echo x >after`;
    const { signal, code } = await follow(jail.spawn('sh', ['-c', script], { cwd }));
    const [, , event] = await exit;
    const [first] = told;
    assert.deepEqual([first.mode, first.file, first.action], ['read', outside, 'killed']);
    assert.deepEqual(first.argv, ['cat', outside]);
    assert.ok(event.jailbreak);
    assert.ok(event.killing >= 0 && event.killing < 10, `${event.killing}`);
    assert.deepEqual([code, signal], [null, 'SIGKILL']);
    await until(() => pids.every((pid) => !isAlive(pid)));
    assert.ok(!existsSync(join(cwd, 'after')));
  });
}

test('what a tracer cannot do is refused before anything runs', async () => {
  const jail = new JailKeeper({ strength: 'monitor', tracer: 'auto', onJailbreak: 'deny' });
  const { error } = await follow(jail.spawn('touch', ['ran'], { cwd }));
  assert.equal(error.code, 'EUNSUPPORTED');
  assert.ok(!existsSync(join(cwd, 'ran')));
  const unknown = await follow(new JailKeeper({ strength: 'monitor', tracer: 'ktrace' }).spawn('true', { cwd }));
  assert.match(`${unknown.error.message} ${unknown.error.hint}`, /ktrace.*ptrace/);
});

test('where nothing else can be had the error says how to ask, and asking helps', async () => {
  const script = `
    const JailKeeper = require(${JSON.stringify(require.resolve('jailkeeper'))});
    const told = {};
    const jail = new JailKeeper();
    jail.on('error', ({ code, hint }) => Object.assign(told, { code, hint }));
    jail.spawn('touch', ['unasked']).on('close', () => {
      const asked = new JailKeeper({ strength: 'monitor' });
      asked.on('start', ({ strength }) => (told.strength = strength));
      asked.spawn('touch', ['asked']).on('close', (status) => console.log(JSON.stringify({ ...told, status })));
    });`;
  const child = spawn('python3', ['-c', WITHOUT_LANDLOCK, process.execPath, '-e', script], { cwd });
  const { stdout, stderr } = await follow(child);
  const told = JSON.parse(stdout || `"${stderr}"`);
  assert.equal(told.code, 'EUNSUPPORTED');
  assert.match(told.hint, /strength: 'monitor'/);
  assert.deepEqual([told.strength, told.status], ['monitor', 0]);
  assert.ok(!existsSync(join(cwd, 'unasked')) && existsSync(join(cwd, 'asked')));
});
