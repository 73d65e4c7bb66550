// Builds and packs this package and that of the platform, and installs both where the repository
// is not.
import { execFileSync } from 'node:child_process';
import { accessSync, chmodSync, constants, copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Builds `dist`. */
export function build() {
  execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' });
}

/** Makes an empty project below a directory, with both packages and the tests in it. */
export function install(stage) {
  const project = join(stage, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  const tarballs = [pack(root, stage), pack(platformPackage(stage), stage)];
  npm(project, 'install', '--offline', '--no-save', '--no-audit', '--no-fund', ...tarballs);
  for (const folder of ['test', 'examples']) {
    cpSync(join(root, folder), join(project, folder), { recursive: true });
  }
  copyFileSync(join(root, 'README.md'), join(project, 'README.md'));
  return project;
}

function pack(folder, to) {
  const told = npm(folder, 'pack', '--json', '--ignore-scripts', '--pack-destination', to);
  return join(to, JSON.parse(told)[0].filename);
}

function npm(cwd, ...args) {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

/** The platform's package: as `cargo xtask dist` made it, or laid out in the same way. */
function platformPackage(stage) {
  if (process.env.JAILKEEPER_DIST) return process.env.JAILKEEPER_DIST;
  const name = `@jailkeeper/${process.platform}-${process.arch}`;
  const folder = join(stage, 'platform');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  copyFileSync(binary(), join(folder, 'bin', 'jailkeeper'));
  chmodSync(join(folder, 'bin', 'jailkeeper'), 0o755);
  const { version, license } = manifest;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version, license, files: ['bin/jailkeeper'] }));
  return folder;
}

/** The program under test: `JAILKEEPER_BINARY`, or a build of this repository. */
function binary() {
  const builds = ['release', 'debug'].map((profile) => join(root, '..', '..', 'target', profile, 'jailkeeper'));
  for (const file of [process.env.JAILKEEPER_BINARY, ...builds]) {
    try {
      accessSync(file ?? '', constants.X_OK);
      return file;
    } catch {
      // The next one.
    }
  }
  throw new Error('there is no jailkeeper to test with: run `cargo build -p jailkeeper-cli`, or set JAILKEEPER_BINARY');
}
