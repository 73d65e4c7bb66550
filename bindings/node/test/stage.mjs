// What all tests need: the package as installed, a directory of their own, and walls around them.
import { mkdtempSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

if (!process.env.JAILKEEPER_TEST_OUTSIDE || process.env.JAILKEEPER_TEST_OUTSIDE === readlinkSync('/proc/self/ns/mnt')) {
  throw new Error('these tests run inside of a containment alone: use `npm test`');
}

export const require = createRequire(import.meta.url);
export const JailKeeper = require('jailkeeper');
export const { JailKeeperError } = JailKeeper;


/** A new directory that is not in /tmp. */
export function workDirectory() {
  return mkdtempSync(join(process.env.JAILKEEPER_TEST_WORK, 'work-'));
}

/** A module of the package that it does not export. */
export function internal(name) {
  return require(join(dirname(require.resolve('jailkeeper')), name));
}

/** What a child emits, and prints, until it is closed. */
export function follow(child) {
  const seen = { order: [], stdout: '', stderr: '', code: undefined, signal: undefined, error: undefined };
  for (const name of ['spawn', 'error', 'exit', 'close', 'disconnect', 'message']) {
    child.on(name, () => seen.order.push(name));
  }
  child.stdout?.setEncoding('utf8').on('data', (text) => (seen.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text) => (seen.stderr += text));
  child.on('error', (error) => (seen.error = error));
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve(Object.assign(seen, { code, signal })));
  });
}

/** Resolves to the arguments of the next event. */
export function next(emitter, name) {
  return new Promise((resolve) => emitter.once(name, (...values) => resolve(values)));
}

export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until something holds. */
export async function until(holds, milliseconds = 10_000) {
  const end = Date.now() + milliseconds;
  while (!(await holds())) {
    if (Date.now() > end) {
      throw new Error(`waited in vain for ${holds}`);
    }
    await sleep(10);
  }
}

/** Whether a process of that id is alive (a zombie is not). */
export function isAlive(pid) {
  try {
    const stat = require('node:fs').readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
