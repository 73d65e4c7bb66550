//! Programs that live by the rules behave inside as they do outside.

use crate::both::both;
use jailkeeper_testkit::{Place, Ran};

both! {
    bash needs [bash];
    dash needs [dash];
    git needs [git];
    make needs [make, gcc];
    gcc needs [gcc];
    perl needs [perl];
    node needs [node];
    python needs ["/usr/bin/python3"];
    big_streams;
    tools;
}

/// Runs a script inside and outside, each in a place of its own kind, and compares.
fn same(place: &Place, program: &str, script: &str) -> Ran {
    place.write("{work}/script", script, 0o755);
    let alone = place.free([program, "script"]);
    let other = place.again();
    other.write("{work}/script", script, 0o755);
    // Both have their home in the work directory, so that they find the same settings: none.
    let options = "--env HOME={work}";
    let ran = other.jail(options, [program, "script"]);
    assert_eq!(ran.breaches().count(), 0, "an innocent program: {ran}");
    let [inside, outside] = [(&ran, &other), (&alone, place)]
        .map(|(ran, place)| ran.text().replace(&place.text("{root}"), ""));
    assert_eq!(inside, outside, "inside is not as outside: {ran}\n--- alone {alone}");
    assert_eq!(ran.ends_with(ran.status).status, alone.status, "{ran}\n--- alone {alone}");
    assert!(!ran.stdout.is_empty(), "nothing was compared: {ran}");
    ran
}

fn bash(place: &Place) {
    same(
        place,
        "bash",
        r#"set -u
        trap 'echo leaving' EXIT
        declare -A map=([a]=1 [b]=2); echo "${map[a]}${map[b]}" "${BASH_VERSINFO[0]}"
        while read -r line; do echo "line $line"; done < <(printf 'x\ny\n')
        cat <<<"here" ; cat <<EOF
document $((6 * 7))
EOF
        printf '%s\n' {1..3} | sort -r | tr '\n' ' '; echo
        (sleep 0.05; echo background) & wait $!; echo "waited $?"
        mkdir -p a/b && touch a/b/c && find a -type f && [[ -f a/b/c ]] && rm -r a
        diff <(echo 1) <(echo 2); echo "diff $?"
        coproc cat; echo through >&"${COPROC[1]}"; read -r back <&"${COPROC[0]}"; echo "$back"
        exec 5>out; echo five >&5; exec 5>&-; cat out; wc -c <out
        type -t cd; command -v sh >/dev/null && echo found; umask; ulimit -c
        kill -TERM $$; echo not reached"#,
    );
}

fn dash(place: &Place) {
    same(
        place,
        "dash",
        "echo $((2 * 21)); for i in 1 2 3; do printf '%s ' $i; done; echo
         cat <<EOF | sed s/a/b/
a document
EOF
         echo x >f; echo y >>f; cat f; ls; test -w f && echo writable; test -x f || echo no
         (exit 3); echo $?; { echo err >&2; } 2>&1; cd sub && pwd | sed 's|.*/||'; cd ..
         sleep 0.05 & wait; echo done; exit 4",
    );
}

fn git(place: &Place) {
    same(
        place,
        "sh",
        "export GIT_AUTHOR_DATE='1 Jan 2024 00:00 +0000' GIT_COMMITTER_DATE='1 Jan 2024 00:00 +0000'
         g() { git -c user.name=A -c user.email=a@example.org -c init.defaultBranch=main \"$@\"; }
         g init repo && cd repo || exit 1
         echo one >file && g add file && g commit -m first && g log --stat
         echo two >>file && g diff && g commit -am second && g checkout -b other HEAD~1
         echo other >another && g add . && g commit -m third && g merge -m merged main
         g log --graph --oneline --all && g gc --quiet && g fsck && g status
         g clone --quiet . ../clone && ls ../clone && g stash list && g archive HEAD | wc -c",
    );
}

fn make(place: &Place) {
    same(
        place,
        "sh",
        "echo 'int two(void) { return 2; }' >two.c
         echo '#include <stdio.h>\nint two(void); int main(void) { printf(\"%d\\n\", two()); }' >m.c
         printf 'all: m\n\t./m\nm: m.o two.o\n\t$(CC) -o $@ $^\n%%.o: %%.c\n\t$(CC) -c $<\n' >Makefile
         make -j2 -Otarget --no-print-directory | sort && make && touch two.c && make && make nothing; echo $?",
    );
}

fn gcc(place: &Place) {
    same(
        place,
        "sh",
        "cat >m.c <<'EOF'
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static void *run(void *x) { *(int *)x = 7; return 0; }
int main(int count, char **words) {
    int seven; pthread_t thread;
    pthread_create(&thread, 0, run, &seven); pthread_join(thread, 0);
    char name[999], *tmp = getenv(\"TMPDIR\"); snprintf(name, 999, \"%s/XXXXXX\", tmp ? tmp : \"/tmp\");
    int file = mkstemp(name);
    printf(\"%d %.3f %s %d\\n\", seven, sqrt(2), words[1], file >= 0);
    return 5;
}
EOF
         gcc -O2 -g -Wall -pipe m.c -o m -lm -pthread && ./m word; echo $?
         gcc -c m.c && ar rc libm.a m.o && nm libm.a | grep ' T ' && gcc -static m.c -lm -o s && ./s w
         gcc broken.c; echo $?",
    );
}

fn perl(place: &Place) {
    same(
        place,
        "perl",
        r#"use strict; use warnings; use File::Temp qw(tempfile); use POSIX qw(:sys_wait_h);
        open(my $out, '>', 'numbers') or die; print $out "$_\n" for reverse 1 .. 5; close $out;
        open(my $in, '<', 'numbers') or die; print sort { $a <=> $b } <$in>; close $in;
        print `echo from a shell`; my ($file, $name) = tempfile(UNLINK => 1); print -e $name ? 1 : 0, "\n";
        my $child = fork() // die; if (!$child) { exit 9 } waitpid($child, 0); print $? >> 8, "\n";
        opendir(my $dir, '.') or die; print join(' ', sort grep { !/^\./ } readdir $dir), "\n";
        $SIG{ALRM} = sub { print "alarm\n"; exit 6 }; alarm 1; sleep 5;"#,
    );
}

fn node(place: &Place) {
    same(
        place,
        "node",
        r"const fs = require('fs'), path = require('path'), os = require('os');
        const { execSync, spawn } = require('child_process');
        const { Worker } = require('worker_threads');
        fs.mkdirSync('d', { recursive: true }); fs.writeFileSync('d/f', 'text');
        console.log(fs.readdirSync('.').sort(), fs.readFileSync('d/f', 'utf8'));
        console.log(execSync('echo shell; exit 0').toString().trim());
        console.log(require('zlib').gunzipSync(require('zlib').gzipSync('zipped')).toString());
        console.log(require('crypto').createHash('sha256').update('x').digest('hex'));
        new Worker('require(`worker_threads`).parentPort.postMessage(6 * 7)', { eval: true })
            .on('message', (answer) => console.log(answer))
            .on('exit', () => spawn('sh', ['-c', 'cat; exit 3'], { stdio: ['pipe', 'inherit', 'inherit'] })
                .on('exit', (code) => { console.log(code, os.EOL.length); process.exitCode = 8; })
                .stdin.end('piped\n'));",
    );
}

fn python(place: &Place) {
    same(
        place,
        "/usr/bin/python3",
        "import os, subprocess, tempfile, threading, json, sqlite3, hashlib, sys\n\
         open('f', 'w').write('text'); print(sorted(os.listdir('.')), open('f').read())\n\
         print(subprocess.run(['sh', '-c', 'echo $((6*7)); exit 3'], capture_output=True))\n\
         t = threading.Thread(target=lambda: print('thread')); t.start(); t.join()\n\
         with tempfile.TemporaryFile() as f: print(f.write(b'x'))\n\
         d = sqlite3.connect('base'); d.execute('create table t (a)'); d.commit()\n\
         print(json.dumps({'a': hashlib.sha256(b'x').hexdigest()}))\n\
         sys.exit(4)\n",
    );
}

/// 100 MB through stdin to stdout, as a file and as a pipe, and through files inside.
fn big_streams(place: &Place) {
    let script = "seq 1 20000000 | head -c 100000000 >$PLACE/state/big
        cksum <$PLACE/state/big
        $JAILKEEPER run -- cat <$PLACE/state/big | cksum
        cat $PLACE/state/big | $JAILKEEPER run -- cat | cksum
        cat $PLACE/state/big | $JAILKEEPER run -- sh -c 'cat >copy && cat copy' | cksum
        $JAILKEEPER run -- cat <$PLACE/state/big >$PLACE/state/copy; cksum <$PLACE/state/copy";
    let ran = place.script(script);
    let text = ran.ends_with(0).text();
    let sums: Vec<_> = text.lines().collect();
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{ran}");
    assert_eq!(sums.len(), 5, "{ran}");
    assert!(sums[0].ends_with(" 100000000"), "{ran}");
}

/// Everyday tools look around a lot, and are no jailbreakers.
fn tools(place: &Place) {
    let script = "set -e
        ls -la LISTED >/dev/null; find . | wc -l; grep -r text tree; tar cf t.tar tree
        tar tf t.tar; gzip -k t.tar; cp -a tree copy; diff -r tree copy; mv copy moved; df . >/dev/null
        stat -c %a tree/a/file; id -u >/dev/null; date >/dev/null; uname >/dev/null; awk 'BEGIN { print 1 }'
        xargs echo <tree/a/file; sort tree/a/file; head -c 10 /dev/urandom | wc -c; env >/dev/null
        ps >/dev/null; du -s tree >/dev/null; touch -d yesterday tree; chmod 600 tree/a/file
        chmod -R u+w tree; install -m 644 tree/a/file installed; mktemp -d >/dev/null; rm -rf moved";
    place.make_directory("{work}/tree/a");
    place.write("{work}/tree/a/file", "text\n", 0o640);
    // Without a view, directories that only lead somewhere cannot be listed.
    let listed = if place.is_flat() { "$TMPDIR ." } else { "/ /tmp ." };
    place.jail("", ["sh", "-c", &script.replace("LISTED", listed)]).succeeds();
}
