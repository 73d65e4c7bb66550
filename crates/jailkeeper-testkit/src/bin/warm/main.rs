//! A program that runs prepared commands.
//!
//! * `warm check` runs attempts and ordinary commands in prepared jails, raised and spare, and says
//!   what did not go as it should, or `all is well`. It must run contained, in a directory with a
//!   file `../x` that holds a secret.
//! * `warm time WAY COUNT` prints the median of so many starts of `/bin/true`, in microseconds from
//!   before the start until the end is known. `WAY` is `posix_spawn`, `spawn` (everything each
//!   time), `prepared` or `spare` (raising it is not in the time).
//! * `warm try WAY FILE` reads a file outside in the same way and prints `read` or `refused`.

#![expect(clippy::print_stdout, reason = "what it found is this program's output")]
#![forbid(unsafe_code)]

mod floor;

use floor::Floor;
use jailkeeper::{Error, Event, Jail, Prepared, Stdio};
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, io};

fn main() -> Result<(), Error> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["check"] => check(),
        ["time", way, count] => time(way, count.parse().unwrap_or(1)),
        ["try", way, file] => attempt(way, file),
        _ => {
            println!("there are `check`, `time WAY COUNT` and `try WAY FILE`");
            Ok(())
        }
    }
}

/// What gets out where nothing holds it, by the words for a shell.
const ATTEMPTS: [&str; 6] = [
    "cat ../x",
    "cat /proc/self/root/$PWD/../x",
    "echo changed >../y",
    "rm -f ../z",
    "ln -s ../x link && cat link",
    "exec 3<../x && cat <&3",
];

fn check() -> Result<(), Error> {
    let secret = fs::read_to_string("../x").unwrap_or_default();
    let jail = Jail::builder().build()?;
    let before = left();
    for attempt in ATTEMPTS {
        let _ = fs::write("../z", "there");
        let mut prepared = prepare(&jail, attempt)?;
        expect(run(&mut prepared, &secret)?.2, true, attempt);
        prepared.spares(2)?;
        expect(prepared.ready(), 2, "two stand ready");
        for _ in 0..3 {
            expect(run(&mut prepared, &secret)?.2, true, attempt);
        }
        expect(Path::new("../y").exists(), false, "nothing is made outside");
        expect(fs::read_to_string("../z").unwrap_or_default().as_str(), "there", "nothing is lost");
        let _ = fs::remove_file("link");
    }
    independent(&jail, &secret)?;
    replaced(&jail, &secret)?;
    killed(&jail)?;
    // Dropped without a spawn.
    prepare(&jail, "true")?.spares(3)?;
    drop(prepare(&jail, "true")?);
    let after = left();
    expect(after, before, "nothing is left");
    println!("all is well");
    Ok(())
}

/// One jail's end and its files are none of another's.
fn independent(jail: &Jail, secret: &str) -> Result<(), Error> {
    let mut good = prepare(jail, "test ! -e /tmp/mark && touch /tmp/mark && echo fine")?;
    let mut bad = prepare(jail, "cat ../x")?;
    good.spares(2)?;
    bad.spares(1)?;
    expect(run(&mut bad, secret)?.2, true, "a jailbreak beside others");
    for _ in 0..4 {
        expect(run(&mut good, secret)?, (Some(0), "fine\n".to_owned(), false), "a /tmp of its own");
    }
    let mut slow = prepare(jail, "sleep 20")?;
    let child = slow.spawn()?;
    drop(slow);
    let id = child.id();
    expect(alive(id), true, "what was spawned outlives the preparation");
    drop(child);
    let deadline = Instant::now() + Duration::from_secs(10);
    while alive(id) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    expect(alive(id), false, "dropping the child kills");
    Ok(())
}

/// A tree that was replaced is never mounted as what was found before.
fn replaced(jail: &Jail, secret: &str) -> Result<(), Error> {
    let failed = |error: io::Error| println!("could not set the scene: {error}");
    let place = std::env::current_dir().unwrap_or_default().join("place");
    let other = place.with_extension("old");
    for (folder, text) in [(&place, "new"), (&other, "old")] {
        fs::create_dir_all(folder).unwrap_or_else(failed);
        fs::write(folder.join("file"), text).unwrap_or_else(failed);
    }
    let swap = |from: &Path, to: &Path| fs::rename(from, to).unwrap_or_else(failed);
    let aside = place.with_extension("aside");
    swap(&place, &aside);
    swap(&other, &place);
    let mut command = jail.command("cat");
    command.arg("file").current_dir(&place).stdin(Stdio::Null).stdout(Stdio::Piped);
    let mut prepared = command.prepare()?;
    prepared.spares(2)?;
    expect(run(&mut prepared, secret)?.1.as_str(), "old", "what was there");
    swap(&place, &other);
    swap(&aside, &place);
    expect(run(&mut prepared, secret)?.1.as_str(), "new", "what is there now");
    expect(prepared.ready(), 0, "a spare of before is not used");
    swap(&place, &aside);
    expect(prepared.spawn().is_err(), true, "nothing runs where a tree is gone");
    Ok(())
}

/// A spare that died is not let go.
fn killed(jail: &Jail) -> Result<(), Error> {
    let mut prepared = prepare(jail, "echo fine")?;
    prepared.spares(1)?;
    for child in children() {
        let kill = std::process::Command::new("kill").args(["-KILL", &child]).status();
        expect(kill.is_ok(), true, "the spare is killed");
        let stat = format!("/proc/{child}/stat");
        let ended = || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z"));
        let deadline = Instant::now() + Duration::from_secs(10);
        while !ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    expect(run(&mut prepared, "\0")?.1.as_str(), "fine\n", "another one runs");
    Ok(())
}

fn prepare(jail: &Jail, script: &str) -> Result<Prepared, Error> {
    let mut command = jail.command("sh");
    command.args(["-c", script]).stdin(Stdio::Null).stdout(Stdio::Piped).stderr(Stdio::Null);
    command.inherit_environment(std::env::vars_os());
    command.prepare()
}

/// Runs it once: code, output, and whether it broke out. No secret may be in the output.
fn run(prepared: &mut Prepared, secret: &str) -> Result<(Option<i32>, String, bool), Error> {
    let mut child = prepared.spawn()?;
    let mut output = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        let _ = stdout.read_to_string(&mut output);
    }
    let events: Vec<Event> = child.events().collect();
    let finished = child.wait()?;
    expect(output.contains(secret), false, "the secret is kept");
    let kinds = (events.first(), events.last());
    let whole = matches!(kinds, (Some(Event::Start(_)), Some(Event::Exit(_))));
    expect(whole, true, "events from start to exit");
    Ok((finished.code, output, finished.has_jailbreak()))
}

fn expect<T: PartialEq + std::fmt::Debug>(is: T, should: T, what: &str) {
    if is != should {
        println!("{what}: {is:?}, not {should:?}");
    }
}

fn alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn children() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let texts = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    texts.flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// What jails could leave: descriptors, threads, children, mounts.
fn left() -> [usize; 4] {
    let entries = |folder: &str| fs::read_dir(folder).map_or(0, Iterator::count);
    let mounts = fs::read_to_string("/proc/self/mountinfo").map_or(0, |text| text.lines().count());
    let now = || [entries("/proc/self/fd"), entries("/proc/self/task"), children().len(), mounts];
    // A thread of a jail that was spawned may end a moment after it.
    std::thread::sleep(Duration::from_millis(500));
    now()
}

/// What one start says: whether it went as it should.
fn start(
    way: &str,
    command: impl Fn() -> jailkeeper::Command,
    prepared: &mut Prepared,
) -> Result<bool, Error> {
    let mut child = if way == "spawn" { command().spawn()? } else { prepared.spawn()? };
    let finished = child.wait()?;
    Ok(finished.code == Some(0) && !finished.has_jailbreak())
}

/// Without a jail.
fn plain(program: &str, arguments: &[&str]) -> bool {
    let mut command = std::process::Command::new(program);
    command.args(arguments).stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn silent(jail: &Jail, program: &str, arguments: &[&str]) -> jailkeeper::Command {
    let mut command = jail.command(program);
    command.args(arguments).stdin(Stdio::Null).stdout(Stdio::Null).stderr(Stdio::Null);
    command
}

fn attempt(way: &str, file: &str) -> Result<(), Error> {
    let jail = Jail::builder().build()?;
    let command = || silent(&jail, "cat", &[file]);
    let mut prepared = command().prepare()?;
    if way == "spare" {
        prepared.spares(1)?;
    }
    let is_read = match way {
        "posix_spawn" | "bare" | "waiting" => plain("cat", &[file]),
        _ => start(way, command, &mut prepared)?,
    };
    println!("{}", if is_read { "read" } else { "refused" });
    Ok(())
}

fn raise_floor() -> Option<Floor> {
    Floor::raise(&["/bin/true"]).ok()
}

fn time(way: &str, count: usize) -> Result<(), Error> {
    let jail = Jail::builder().build()?;
    let command = || silent(&jail, "/bin/true", &[]);
    let mut prepared = command().prepare()?;
    let mut times = Vec::new();
    // The first one fills the kernel's caches.
    for round in 0..=count {
        if way == "spare" {
            prepared.spares(1)?;
        }
        let ahead = if way == "waiting" { raise_floor() } else { None };
        let begun = Instant::now();
        let went_well = match way {
            "posix_spawn" => plain("/bin/true", &[]),
            "bare" | "waiting" => {
                let floor = ahead.or_else(raise_floor);
                floor.is_some_and(|floor| floor.run().is_ok_and(|well| well))
            }
            _ => start(way, command, &mut prepared)?,
        };
        let took = begun.elapsed();
        if !went_well {
            println!("a start by {way} failed");
            std::process::exit(1);
        }
        if round > 0 {
            times.push(took);
        }
    }
    times.sort_unstable();
    println!("{}", times.get(times.len() / 2).map_or(0, Duration::as_micros));
    Ok(())
}
