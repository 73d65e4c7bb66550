// A program whose listeners throw, and that goes on. It tells its parent what it heard.
import { JailKeeper } from './stage.mjs';

const told = { thrown: 0, first: 0, second: 0, once: 0, exits: 0, uncaught: 0 };
const finish = () => setTimeout(() => process.send(told), 50);
process.on('uncaughtException', () => (told.uncaught += 1));

const jail = new JailKeeper({ onJailbreak: 'deny' });
jail.on('jailbreak', () => (told.first += 1));
jail.on('jailbreak', () => {
  told.thrown += 1;
  throw new Error('a listener of jailbreak');
});
jail.once('jailbreak', () => (told.once += 1));
jail.on('jailbreak', () => (told.second += 1));
jail.on('exit', () => {
  throw new Error('a listener of exit');
});
jail.on('exit', () => {
  told.exits += 1;
  finish();
});
const child = jail.spawn('for i in 1 2 3 4 5; do cat /etc/passwd; done', { stdio: 'ignore' });
child.on('exit', () => {
  throw new Error('a listener of the child');
});
