// A parent that is about to die. It tells which processes must not outlive it.
import { JailKeeper, next } from './stage.mjs';

const LINE = '(setsid sleep 61.25 &); sleep 61.25; :';
const jail = new JailKeeper();
if (process.argv[2] === 'sync') {
  jail.spawnSync(LINE);
}
const child = jail.spawn(LINE, JSON.parse(process.argv[2]));
const [{ pid }] = await next(jail, 'start');
process.on('message', (how) => {
  if (how === 'exit') {
    process.exit(3);
  }
  if (how === 'abort') {
    process.abort();
  }
  throw new Error('nobody catches this');
});
process.send({ program: child.pid, command: pid });
