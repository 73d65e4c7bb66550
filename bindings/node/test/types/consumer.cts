import JailKeeper = require('jailkeeper');
import { JailKeeperError, type JailbreakEvent } from 'jailkeeper';
import type { ChildProcess, ChildProcessWithoutNullStreams } from 'node:child_process';

const jail: JailKeeper = new JailKeeper({ read: ['/usr/bin', /^\/srv\//], write: './out', onJailbreak: 'deny' });
const same: { new (): JailKeeper } = JailKeeper.JailKeeper;
const again: JailKeeper.JailKeeper = new JailKeeper.default();
jail.on('jailbreak', (event) => {
  const typed: JailKeeper.JailbreakEvent & JailbreakEvent = event;
  const file: string | undefined = typed.file;
  const [ancestor] = typed.ancestors;
  void [file, ancestor?.program];
});
jail.on('exit', (code: number | null, signal: NodeJS.Signals | null) => void [code, signal]);
const child: ChildProcessWithoutNullStreams = jail.spawn('cat', [], { cwd: '.' });
const quiet: ChildProcess = jail.spawn('cat', { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
const forked: ChildProcess = jail.fork('./module.js');
const text: string = jail.spawnSync('cat', [], { encoding: 'utf8' }).stdout;
jail.run('cat').then((result: JailKeeper.RunResult) => result.stdout.trim());
jail.run('cat', [], { encoding: 'buffer' }).then(({ stdout }) => stdout.readUInt8(0));
const error: unknown = null;
if (error instanceof JailKeeperError) {
  const code: JailKeeper.ErrorCode = error.code;
  const hint: string | undefined = error.hint;
  void [code, hint];
}
// @ts-expect-error an option that does not exist
new JailKeeper({ raed: [] });
// @ts-expect-error a mode is a word
const mode: number = (null as unknown as JailbreakEvent).mode;
new JailKeeper(child, { read: ['/usr/bin'] });
void [same, again, quiet, forked, text, mode];
