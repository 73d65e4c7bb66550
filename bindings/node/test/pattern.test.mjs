// Translating regular expressions, and granting by them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { JailKeeper, follow, internal, next, workDirectory } from './stage.mjs';

const { translate } = internal('pattern/translate.js');
const { findBinary } = internal('binary.js');
const hasPatterns = execFileSync(findBinary(), ['run', '--help'], { encoding: 'utf8' }).includes('--read-pattern');

test('what is plain stays plain', () => {
  for (const [pattern, expected] of [
    [/^\/srv\/data$/, '^/srv/data$'],
    [/a|b|/, 'a|b|'],
    [/(a)(?:b)(?<name>c)/, '(?:a)(?:b)(?:c)'],
    [/a*b+?c{2}d{2,}?e{2,3}/, 'a*b+?c{2}d{2,}?e{2,3}'],
    [/a{,5}b{x}/, 'a\\x{7B}\\x{2C}5\\x{7D}b\\x{7B}x\\x{7D}'],
    [/\d\w/, '[0-9][0-9A-Z\\x{5F}a-z]'],
    [/[^a-c]/u, '[\\x{0}-\\x{60}d-\\x{D7FF}\\x{E000}-\\x{10FFFF}]'],
    [/[]/, '[^\\x{0}-\\x{10FFFF}]'],
    [/[^]/, '[\\x{0}-\\x{D7FF}\\x{E000}-\\x{10FFFF}]'],
    [/./s, '[\\x{0}-\\x{D7FF}\\x{E000}-\\x{10FFFF}]'],
    [/^a$/m, '(?m:^)a(?m:$)'],
    [/\bx\B/, '(?-u:\\b)x(?-u:\\B)'],
    [/\u00e9\xe9é/, '\\x{E9}\\x{E9}\\x{E9}'],
    [/\u{1F600}\ud83d\ude00😀/u, '\\x{1F600}\\x{1F600}\\x{1F600}'],
    [/\ud83d\ude00😀/, '\\x{1F600}\\x{1F600}'],
    [/\t\n\v\f\r\0\cA/, '\\x{9}\\x{A}\\x{B}\\x{C}\\x{D}\\x{0}\\x{1}'],
    [/[\b\-\]^]/, '[\\x{8}\\x{2D}\\x{5D}-\\x{5E}]'],
    [/[a-\d]/, '[\\x{2D}0-9a]'],
    [/\p{Script=Ogham}[\p{Pc}x]/u, '[\\x{1680}-\\x{169C}][\\x{5F}x\\x{203F}-\\x{2040}\\x{2054}\\x{FE33}-\\x{FE34}\\x{FE4D}-\\x{FE4F}\\x{FF3F}]'],
    [/Ks/iu, '[Kk\\x{212A}][Ss\\x{17F}]'],
    [/K/i, '[Kk]'],
    [/#  x&&y~~/, '\\x{23}\\x{20}\\x{20}x\\x{26}\\x{26}y\\x{7E}\\x{7E}'],
    [/x/dg, 'x'],
    [new RegExp(''), '(?:)'],
  ]) {
    assert.equal(translate(pattern), expected, String(pattern));
  }
});

for (const [pattern, name] of [
  [/a(?=b)/, /lookahead/],
  [/a(?!b)/, /negative lookahead/],
  [/(?<=a)b/, /lookbehind/],
  [/(?<!a)b/, /negative lookbehind/],
  [/(a)\1/, /backreference/],
  [/(?<x>a)\k<x>/, /backreference/],
  [/a/y, /sticky/],
  [/[a]/v, /flag v/],
  [/\012/, /octal/],
  [/\8/, /backreference or octal/],
  [/\p{L}/, /without the flag u/],
  [/\u{61}/, /without the flag u/],
  [/\P{Lu}/iu, /\\P/],
  [/\bx/iu, /flags i and u/],
  [/\ud83d/, /surrogate/],
  [/\ude00/u, /surrogate/],
  [/[\ud800]/u, /surrogate/],
  [/😀+/, /UTF-16/],
  [/[😀]/, /UTF-16/],
  [/\x4/, /unfinished/],
  [/\j/, /needless escape/],
]) {
  test(`refused by name: ${pattern}`, () => {
    assert.throws(() => new JailKeeper({ read: [pattern] }), (error) => {
      assert.equal(error.code, 'EPOLICY');
      assert.match(error.message, name);
      assert.ok(error.hint);
      return true;
    });
  });
}

test('a translation matches what the original matches', () => {
  const atoms = ['a', 'B', 'k', 'ſ', 'é', 'É', '/', '.', '\\.', '\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '[a-k]', '[^a-k/]', '[\\w.-]', '[^\\W]', '\\b', '^', '$', 'ß', 'İ', 'Σ', '-', ' ', '\\u017f', '[\\u0100-\\u0250]'];
  const letters = ['a', 'A', 'b', 'B', 'k', 'K', 'K', 'ſ', 's', 'S', 'é', 'É', '/', '.', '1', '_', '-', ' ', '\u00a0', '\u2028', '\n', 'ß', 'ẞ', 'ı', 'İ', 'i', 'I', 'σ', 'ς', 'Σ', 'ǆ', 'ǅ'];
  const random = generator(7);
  let matches = 0;
  for (let round = 0; round < 6000; round += 1) {
    const flags = ['', 'i', 's', 'u', 'is', 'su', 'iu', 'isu'][random(8)];
    const source = Array.from({ length: 1 + random(5) }, () => {
      const atom = atoms[random(atoms.length)];
      if (atom === '\\b' && flags.includes('i') && flags.includes('u')) {
        return '';
      }
      return /^(\\b|\^|\$)$/.test(atom) ? atom : atom + ['', '', '', '*', '+', '?', '{2}'][random(7)];
    }).join(random(4) === 0 ? '|' : '');
    const original = new RegExp(source, flags);
    // What Rust would read is near enough to JavaScript with the flag u.
    const translated = new RegExp(translate(original).replaceAll('\\x{', '\\u{').replaceAll('(?-u:\\b)', '\\b'), 'u');
    for (let at = 0; at < 20; at += 1) {
      const text = Array.from({ length: random(5) }, () => letters[random(letters.length)]).join('');
      assert.equal(translated.test(text), original.test(text), `${original} as ${translated} on ${JSON.stringify(text)}`);
      matches += Number(original.test(text));
    }
  }
  assert.ok(matches > 10_000);
});

test('a pattern grants what it matches, and nothing else', { skip: !hasPatterns && 'needs a jailkeeper with --read-pattern' }, async () => {
  const place = workDirectory();
  const cwd = workDirectory();
  mkdirSync(join(place, 'sub'));
  for (const name of ['a1.txt', 'a2.TXT', 'b.txt', 'sub/a3.txt', 'ſ9.txt', 'x y+(z).dat']) {
    writeFileSync(join(place, name), name);
  }
  const escaped = place.replaceAll('/', '\\/');
  const read = async (pattern, name, jail = new JailKeeper({ read: [pattern] })) => {
    const { stdout } = await follow(jail.spawn('cat', [join(place, name)], { cwd }));
    return stdout === name;
  };
  const anchored = new RegExp(`^${escaped}\\/\\w\\d\\.txt$`, 'i');
  assert.equal(await read(anchored, 'a1.txt'), true);
  assert.equal(await read(anchored, 'a2.TXT'), true);
  assert.equal(await read(anchored, 'b.txt'), false);
  assert.equal(await read(anchored, 'sub/a3.txt'), false);
  assert.equal(await read(anchored, 'ſ9.txt'), false);
  assert.equal(await read(/\d\.txt$/, 'sub/a3.txt'), true);
  assert.equal(await read(/ſ\p{N}\.\p{L}+$/u, 'ſ9.txt'), true);
  assert.equal(await read(/\/X\s[Y]\+\(Z\)\.DAT$/i, 'x y+(z).dat'), true);
  assert.equal(await read(/^a1/, 'a1.txt'), false);
  assert.equal(await read(/\Bt\.txt|\b1\b|A1\b/i, 'a1.txt'), true);
});

test('a pattern for writing grants creating', { skip: !hasPatterns && 'needs a jailkeeper with --write-pattern' }, async () => {
  const place = workDirectory();
  const cwd = workDirectory();
  const jail = new JailKeeper({ write: [/\/out-[0-9]+$/] });
  const seen = await follow(jail.spawn(`echo made > ${place}/out-1`, { cwd }));
  assert.equal(seen.code, 0, seen.stderr);
  assert.equal(readFileSync(join(place, 'out-1'), 'utf8'), 'made\n');
  const broke = next(jail, 'jailbreak');
  await follow(jail.spawn(`echo made > ${place}/other`, { cwd }));
  assert.equal((await broke)[0].mode, 'write');
});

/** Numbers that are the same every time. */
function generator(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}
