// A worker thread that raises jails of its own.
import { parentPort, workerData } from 'node:worker_threads';
import { JailKeeper, follow } from './stage.mjs';

const jail = new JailKeeper();
if (workerData.line !== undefined) {
  jail.spawn(workerData.line, { cwd: workerData.cwd, stdio: 'ignore' });
  await new Promise(() => {});
}
const files = [];
jail.on('jailbreak', ({ file }) => files.push(file));
const stdout = [];
for (const word of ['one', 'two']) {
  stdout.push((await follow(jail.spawn('echo', [word], { cwd: workerData.cwd }))).stdout);
}
await follow(jail.spawn('cat', ['/etc/passwd'], { cwd: workerData.cwd }));
parentPort.postMessage({ stdout, files });
