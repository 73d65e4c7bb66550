/**
 * Finding the `jailkeeper` program.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { JailKeeperError } from './errors.js';

/** The variable that names the program, for whoever builds it himself. */
export const BINARY_VARIABLE = 'JAILKEEPER_BINARY';

/** The root of this package, from `dist`. */
const PACKAGE = resolve(__dirname, '..');

/**
 * Finds the program: in the package of the platform, where `JAILKEEPER_BINARY` says, in a build
 * of the repository that this package lies in, in `PATH`.
 */
export function findBinary(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment[BINARY_VARIABLE];
  const found = platformBinary() ?? named ?? repositoryBinary() ?? pathBinary(environment['PATH']);
  if (found === undefined) {
    throw new JailKeeperError(
      'ENOBINARY',
      'failed to find the `jailkeeper` program',
      process.platform === 'linux'
        ? `install ${platformPackage()} (npm leaves it out with --omit=optional), put \`jailkeeper\` into PATH, or name it in ${BINARY_VARIABLE}`
        : 'JailKeeper\'s walls need a Linux kernel: run this in a virtual machine with Linux. A tracer of this system can watch, and ' +
            `enforces nothing: build \`jailkeeper\` without the feature \`full\`, name it in ${BINARY_VARIABLE}, and ask with \`strength: 'monitor'\``,
    );
  }
  if (!isProgram(found)) {
    throw new JailKeeperError(
      'ENOBINARY',
      `failed to use \`${found}\` as the \`jailkeeper\` program`,
      found === named
        ? `${BINARY_VARIABLE} must name an executable file`
        : 'the file must be executable; install the package again',
    );
  }
  return resolve(found);
}

/** Returns the name of the package that has the program for this platform. */
function platformPackage(): string {
  return `@jailkeeper/${process.platform}-${process.arch}`;
}

function platformBinary(): string | undefined {
  try {
    const manifest = require.resolve(`${platformPackage()}/package.json`);
    return join(manifest, '..', 'bin', 'jailkeeper');
  } catch {
    return undefined;
  }
}

/** Whoever works on JailKeeper has the program in `target`, two directories up. */
function repositoryBinary(): string | undefined {
  const root = resolve(PACKAGE, '..', '..');
  if (!existsSync(join(root, 'crates', 'jailkeeper-cli', 'Cargo.toml'))) {
    return undefined;
  }
  const builds = ['release', 'debug'].map((profile) => join(root, 'target', profile, 'jailkeeper'));
  return builds.find(isProgram);
}

/** A directory that is not absolute is no place to take a security tool from. */
function pathBinary(path: string | undefined): string | undefined {
  const folders = (path ?? '').split(delimiter).filter(isAbsolute);
  return folders.map((folder) => join(folder, 'jailkeeper')).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
