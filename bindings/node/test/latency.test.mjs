// How long a start takes. It is printed, and never asserted.
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { JailKeeper, next, workDirectory } from './stage.mjs';

const cwd = workDirectory();

test('start latency, as a ratio', { timeout: 120_000 }, async (t) => {
  const plain = await median(() => spawn('true', [], { cwd, stdio: 'ignore' }));
  const jailed = await median(() => new JailKeeper().spawn('true', [], { cwd, stdio: 'ignore' }));
  t.diagnostic(`start to exit of \`true\`: child_process ${plain.toFixed(2)} ms, jail ${jailed.toFixed(2)} ms, ratio ${(jailed / plain).toFixed(1)}`);
});

async function median(start) {
  const times = [];
  for (let round = 0; round < 40; round += 1) {
    const before = performance.now();
    await next(start(), 'exit');
    times.push(performance.now() - before);
  }
  return times.sort((a, b) => a - b)[times.length / 2];
}
