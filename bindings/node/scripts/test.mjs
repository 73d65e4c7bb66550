// Tests the package as its users get it: packed, and installed into an empty project.
//
// The tests raise jails, kill and bomb, so all of them run inside of an outer containment: their
// own mount, pid and ipc namespaces, with an end. As root they run twice, the second time as an
// ordinary user, because root hides mistakes about permissions.
//
//   npm test                 everything
//   npm test -- spawn        the files whose names have `spawn` in them
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, install, root } from './stage.mjs';

const NOBODY = 65534;
const SECONDS = 600;

const wanted = process.argv.slice(2);
const isRoot = process.getuid() === 0;
// Not in /tmp: a jail has a /tmp of its own.
const stage = mkdtempSync('/var/tmp/jailkeeper-node-');
let status = 1;
try {
  chmodSync(stage, 0o755);
  build();
  const project = install(stage);
  const files = readdirSync(join(project, 'test'))
    .filter((name) => name.endsWith('.test.mjs') && (wanted.length === 0 || wanted.some((word) => name.includes(word))))
    .map((name) => join('test', name));
  const results = [run('root', isRoot ? 0 : process.getuid(), project, files)];
  if (isRoot) {
    results.push(run('an ordinary user', NOBODY, project, files));
  }
  status = results.every((result) => result === 0) ? 0 : 1;
} finally {
  rmSync(stage, { recursive: true, force: true });
}
process.exitCode = status;

/** Runs the files as a user, in a containment, and returns the exit status. */
function run(who, uid, project, files) {
  const work = join(stage, `work-${uid}`);
  mkdirSync(work);
  chownSync(work, uid, isRoot ? uid : process.getgid());
  console.log(`\n# ${isRoot ? `as ${who}` : 'as this user'}`);
  const namespaces = ['--mount', '--pid', '--ipc', '--fork', '--kill-child', '--propagation', 'private', '--mount-proc'];
  const own = isRoot ? [] : ['--user', '--map-current-user'];
  const test = [process.execPath, '--test', '--test-concurrency=1', '--test-timeout=180000', ...files];
  const inside = isRoot ? asUser(uid, test) : test;
  const { status, signal, error } = spawnSync(
    'timeout',
    ['--kill-after=5', `${SECONDS}`, 'unshare', ...own, ...namespaces, '--', ...inside],
    {
      cwd: project,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        PATH: process.env.PATH,
        LANG: 'C.UTF-8',
        HOME: work,
        JAILKEEPER_TEST_OUTSIDE: readlinkSync('/proc/self/ns/mnt'),
        JAILKEEPER_TEST_WORK: work,
        JAILKEEPER_TEST_MODULES: join(root, 'node_modules'),
      },
    },
  );
  if (error !== undefined || signal !== null) {
    console.error(`failed to run the tests: ${error?.message ?? signal}`);
  }
  return status;
}

/** The command as a user, with a `/dev/fuse` that everybody may open, as on most systems. */
function asUser(uid, command) {
  const device = join(stage, `fuse-${uid}`);
  const script = `mknod -m 666 ${device} c 10 229 && chmod 666 ${device} && mount --bind ${device} /dev/fuse && exec "$@"`;
  const user = uid === 0 ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  return ['sh', '-c', script, 'sh', ...user, ...command];
}
