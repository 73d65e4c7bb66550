//! Asking on the terminal, or through the control channel.
//!
//! A prompt is attack surface: what it shows came from the jail. So all of it is escaped and
//! bounded, the question is put on the caller's own terminal and never through the jail's, what
//! was typed before it appeared is thrown away, and anything but a clear yes is a no.

use crate::events::Writer;
use crate::terminal::Keys;
use jailkeeper::Error;
use jailkeeper::model::{Answer, Event, Question, Reply, escape};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest text from the jail in one line of a prompt.
const TEXT_MAX: usize = 160;
/// How many arguments of a program are shown.
const ARGUMENTS_MAX: usize = 6;

/// Asks on the caller's terminal, one question after the other.
pub(crate) struct Prompter {
    terminal: Mutex<File>,
    keys: Keys,
}

impl Prompter {
    /// Opens the caller's terminal.
    ///
    /// # Errors
    ///
    /// When this process has none.
    pub(crate) fn open(keys: Keys) -> Result<Self, Error> {
        let terminal = File::options().read(true).write(true).open("/dev/tty");
        let terminal = terminal.map_err(|error| {
            Error::io("open a terminal to ask on", error).with_hint(
                "answers can come from a program instead: `--ask events` with `--events fd:N`",
            )
        })?;
        Ok(Self { terminal: Mutex::new(terminal), keys })
    }

    /// Puts a question and waits for a key.
    pub(crate) fn ask(&self, question: &Question) -> Reply {
        let mut terminal = self.terminal.lock().unwrap_or_else(PoisonError::into_inner);
        if terminal.write_all(in_raw_mode(&prompt(question)).as_bytes()).is_err() {
            return Reply::Deny;
        }
        let timeout = Duration::from_secs(question.timeout);
        let key = self.keys.next(&terminal, timeout);
        let reply = reply(key);
        let word = if key.is_none() { "no answer: deny" } else { reply.as_str() };
        let _ = terminal.write_all(format!("{word}\r\n").as_bytes());
        reply
    }
}

fn reply(key: Option<u8>) -> Reply {
    match key {
        Some(b'y' | b'Y') => Reply::AllowOnce,
        Some(b'a' | b'A') => Reply::AllowRun,
        Some(b'k' | b'K') => Reply::Kill,
        _ => Reply::Deny,
    }
}

/// The text of a question. Everything that came from the jail is escaped and bounded.
pub(crate) fn prompt(question: &Question) -> String {
    let shown = |text: &str| escape(text.as_bytes()).bounded(TEXT_MAX).to_string();
    let mut words: Vec<String> =
        question.argv.iter().take(ARGUMENTS_MAX).map(|word| shown(word)).collect();
    if question.argv.len() > ARGUMENTS_MAX {
        words.push("…".to_owned());
    }
    let line: String = words.join(" ").chars().take(TEXT_MAX).collect();
    let mut text = format!(
        "\njailkeeper: {} [{}] wants to {} `{}`\n",
        shown(&question.program),
        question.pid,
        question.mode,
        shown(&question.file)
    );
    if question.resolved != question.file {
        text.push_str(&format!("  leads to     `{}`\n", shown(&question.resolved)));
    }
    text.push_str(&format!("  command      {line}\n  because      {}\n", shown(&question.rule)));
    text.push_str("  [y] allow once  [a] allow for this run  [N] deny  [k] kill: ");
    text
}

/// The jail's terminal relay keeps the caller's terminal in raw mode.
fn in_raw_mode(text: &str) -> String {
    text.replace('\n', "\r\n")
}

/// Asks whoever reads the events.
pub(crate) struct Channel {
    /// The questions without an answer, by number.
    open: Arc<Mutex<HashMap<u64, Sender<Reply>>>>,
    writer: Arc<Writer>,
}

impl Channel {
    /// Listens for answers on the other direction of the event channel.
    pub(crate) fn listen(answers: File, writer: Arc<Writer>) -> Self {
        let open = Arc::new(Mutex::new(HashMap::new()));
        let waiting = Arc::clone(&open);
        std::thread::spawn(move || hear(answers, &waiting));
        Self { open, writer }
    }

    /// Waits for the answer to a question that is written as an event besides.
    pub(crate) fn ask(&self, question: &Question) -> Reply {
        let (send, answer) = channel();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(question.question, send);
        drop(open);
        // Written here and not with the other events: now somebody waits for the answer.
        if self.writer.write(&Event::Question(question.clone())).is_err() {
            return Reply::Deny;
        }
        let reply = match answer.recv_timeout(Duration::from_secs(question.timeout)) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Reply::Deny,
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&question.question);
        reply
    }
}

/// Hands out answers until the channel ends. A line that is none is passed over: its question
/// times out, which is a no.
fn hear(answers: File, open: &Mutex<HashMap<u64, Sender<Reply>>>) {
    let mut reader = BufReader::new(answers);
    let mut line = Vec::new();
    loop {
        line.clear();
        let bound = Answer::BYTES_AT_MOST as u64;
        match reader.by_ref().take(bound).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let answer = std::str::from_utf8(&line).ok().and_then(|line| Answer::parse(line).ok());
        if let Some(answer) = answer {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(sender) = open.remove(&answer.question) {
                let _ = sender.send(answer.answer);
            }
        }
    }
    // Nobody answers any more: dropping the senders ends the waiting.
    open.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use jailkeeper::model::{Header, JailId, Mode};
    use std::time::UNIX_EPOCH;

    #[test]
    fn only_a_clear_yes_allows() {
        for key in 0..=u8::MAX {
            let expected = b"yYaA".contains(&key);
            assert_eq!(reply(Some(key)).allows(), expected, "{key}");
        }
        assert_eq!(reply(None), Reply::Deny);
    }

    #[test]
    fn what_came_from_the_jail_is_escaped_and_bounded() {
        let header = Header::new(0, UNIX_EPOCH, JailId::new("a"));
        let long = "x".repeat(10_000);
        let evil = format!("/tmp/\x1b[2J\r\n[y] allow once: y\n\u{202e}\u{200b}\u{9b}31m{long}");
        let question = Question::new(header, 1, Mode::Read, &evil, &evil, "rule\x07", 60)
            .with_program(7, &evil, [&evil, &evil]);
        let text = prompt(&question);
        assert!(text.len() < 1500, "{}", text.len());
        assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text:?}");
        assert!(!text.contains(['\u{202e}', '\u{200b}']), "{text:?}");
        assert_eq!(text.lines().count(), 5);
    }

    #[test]
    fn a_prompt_says_who_wants_what() {
        let header = Header::new(0, UNIX_EPOCH, JailId::new("a"));
        let question = Question::new(
            header,
            1,
            Mode::Read,
            "/work/link",
            "/etc/hosts",
            "no rule covers it",
            60,
        )
        .with_program(7, "/usr/bin/cat", ["cat", "link"]);
        insta::assert_snapshot!(prompt(&question), @r"

        jailkeeper: /usr/bin/cat [7] wants to read `/work/link`
          leads to     `/etc/hosts`
          command      cat link
          because      no rule covers it
          [y] allow once  [a] allow for this run  [N] deny  [k] kill: 
        ");
    }
}
