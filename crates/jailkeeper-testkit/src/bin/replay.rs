//! Plays a tracer of another system: replays a transcript in real time around a real process.
//!
//! `replay TRANSCRIPT [OPTIONS OF THE TRACER]`. Lines of the transcript go to stderr, as truss and
//! dtruss have it. `{pid}` is the process of the first `-p`, `{child}` its newest child. Lines that
//! begin with `@` say when:
//!
//! - `@stops LINE`: LINE again and again until the process executes something;
//! - `@until PATH`: wait until there is such a file;
//! - `@child`: wait until the process has a child;
//! - `@gone`: wait until the process has ended.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "this is a tool of tests")]

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let transcript = std::fs::read_to_string(arguments.get(1).unwrap()).unwrap();
    let at = arguments.iter().position(|word| word == "-p").unwrap();
    let pid = arguments.get(at + 1).unwrap();
    assert!(arguments.iter().any(|word| word == "-f"), "children are to be followed");
    let mut child = String::new();
    for line in transcript.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("@stops", line) => {
                let before = program(pid);
                while program(pid) == before {
                    eprintln!("{}", line.replace("{pid}", pid));
                    sleep(Duration::from_millis(20));
                }
            }
            ("@until", path) => wait(|| Path::new(path).exists()),
            ("@child", _) => wait(|| {
                let children = format!("/proc/{pid}/task/{pid}/children");
                let children = std::fs::read_to_string(children).unwrap_or_default();
                child = children.split_ascii_whitespace().last().unwrap_or_default().to_owned();
                !child.is_empty()
            }),
            ("@gone", _) => wait(|| !Path::new(&format!("/proc/{pid}")).exists()),
            _ => eprintln!("{}", line.replace("{pid}", pid).replace("{child}", &child)),
        }
    }
    // A tracer that has told everything goes on watching.
    sleep(Duration::from_secs(30));
}

fn program(pid: &str) -> Option<Vec<u8>> {
    std::fs::read(format!("/proc/{pid}/cmdline")).ok().filter(|line| !line.is_empty())
}

fn wait(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        sleep(Duration::from_millis(5));
    }
}
