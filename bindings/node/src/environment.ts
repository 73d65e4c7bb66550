/**
 * The environment of the program, which is where the command's comes from.
 */

/** What the program is started with. */
export interface Environment {
  /** Its own environment; undefined for that of this process. */
  env: NodeJS.ProcessEnv | undefined;
  /** Which of it the command gets. */
  flags: string[];
}

/** What would change the program itself, which is outside of the jail. */
const OF_THE_LOADER = /^(LD_|GLIBC_TUNABLES$|GCONV_PATH$|MALLOC_|RUST_)/;
const OF_THE_CHANNEL = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'];

/**
 * Reads the option `env`.
 *
 * Without it the command gets the engine's short list of harmless variables. With it, exactly
 * these: they travel in the program's environment, not in its arguments, which all users can see.
 */
export function readEnvironment(env: NodeJS.ProcessEnv | undefined | null, hasChannel: boolean): Environment {
  if (env === undefined || env === null) {
    return { env: undefined, flags: hasChannel ? OF_THE_CHANNEL.map((name) => `--env=${name}`) : [] };
  }
  const own: NodeJS.ProcessEnv = {};
  const flags = ['--env-all'];
  // Inherited properties too, as in Node.
  for (const name in env) {
    const value = env[name];
    if (value === undefined) {
      continue;
    }
    if (OF_THE_LOADER.test(name)) {
      flags.push(`--env=${name}=${value}`);
    } else {
      own[name] = value;
    }
  }
  return { env: own, flags };
}
