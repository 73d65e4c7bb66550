// A program that has no descriptors left, and then some. It tells its parent what happened.
import { closeSync, openSync } from 'node:fs';
import { JailKeeper, follow } from './stage.mjs';

const jail = new JailKeeper();
await follow(jail.spawn('true'));
const taken = [];
try {
  for (;;) {
    taken.push(openSync('/dev/null'));
  }
} catch {
  closeSync(taken.pop());
}
let told = 'nothing';
try {
  const child = jail.spawn('true', { stdio: ['ignore', 'ignore', 'ignore'] });
  told = await new Promise((resolve) => child.on('error', (error) => resolve(error.code)));
} catch (error) {
  told = error.code;
}
taken.forEach(closeSync);
await new Promise(setImmediate);
const { code } = await follow(jail.spawn('true'));
process.send({ code: told, after: code });
