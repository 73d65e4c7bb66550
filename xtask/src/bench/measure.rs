//! Running contestants in turn and timing them.

use super::contestants::Contestant;
use super::results::Row;
use super::run::{Ran, run};
use super::stage::Stage;
use super::statistics::Spread;
use super::workloads::{Kind, Start, Workload};
use super::{death, memory};
use crate::terminal::say;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::time::{Duration, Instant};

/// Whoever takes this many times what the first takes, and longer than [`LONG`], is slow.
const SLOW: u32 = 3;
const LONG: Duration = Duration::from_millis(500);
/// In how many rounds a slow contestant takes part.
const SLOW_ROUNDS: usize = 3;
/// The first round that counts.
const FIRST: usize = 1;
/// How long the calls of one sample take at the most, as far as the first round tells.
const SAMPLE_AT_MOST: Duration = Duration::from_secs(2);
/// The same for starts.
const STARTS_AT_MOST: Duration = Duration::from_secs(1);
/// The same for the starts of those that everything is compared with.
const CORE_STARTS_AT_MOST: Duration = Duration::from_secs(6);
/// A first round makes so many times fewer calls.
const FEWER: u32 = 20;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    pub(super) quick: bool,
    /// When the workload should be done; it gets fewer rounds where that is soon.
    pub(super) until: Instant,
}

/// A contestant in a workload.
struct Entry<'a> {
    contestant: &'a Contestant,
    samples: Vec<(usize, f64)>,
    failure: Option<String>,
    /// In how many rounds it takes part at the most.
    rounds: usize,
    /// How long a sample takes, as far as its first round tells.
    takes: Duration,
    /// How many starts or calls are in a sample.
    count: u32,
}

/// Lets all contestants do a workload, round by round.
pub(super) fn rounds(
    stage: &Stage,
    workload: &Workload,
    contestants: &[&Contestant],
    effort: Effort,
) -> Vec<Row> {
    say(&format!("{:13} {:22}", stage.user.name(), workload.name));
    let mut entries: Vec<Entry<'_>> = contestants.iter().map(|one| Entry::new(one)).collect();
    // What takes memory is the same each time. Everywhere else the first round warms up and does
    // not count; but it tells how long the others will take.
    let only_one = matches!(workload.kind, Kind::Memory(_));
    if !only_one {
        for entry in &mut entries {
            entry.warm_up(stage, workload);
        }
    }
    let first = entries.iter().find(|entry| entry.failure.is_none()).map(|entry| entry.takes);
    let whole = matches!(workload.kind, Kind::Program(_) | Kind::Piped);
    for entry in entries.iter_mut().filter(|entry| entry.failure.is_none()) {
        let slow = first.is_some_and(|first| entry.takes > first * SLOW && entry.takes > LONG);
        match (slow, whole) {
            // A whole program that takes long is not run twice for one number.
            (true, true) => {
                entry.samples.push((FIRST, milliseconds(entry.takes)));
                entry.rounds = 0;
            }
            (true, false) => entry.rounds = SLOW_ROUNDS,
            (false, _) => {}
        }
    }
    let count = if effort.quick { workload.rounds.1 } else { workload.rounds.0 };
    for round in FIRST..=count {
        // The first that counts is everybody's, whatever the time. Later ones are of all that
        // the time is enough for; then of those who take no more than their part of it.
        let rests = |entry: &Entry<'_>| round > entry.rounds;
        let left = effort.until.saturating_duration_since(Instant::now());
        let active = || entries.iter().filter(|entry| entry.failure.is_none() && !rests(entry));
        let all_fit = active().map(|entry| entry.takes).sum::<Duration>() <= left;
        let part = left / u32::try_from(active().count().max(1)).unwrap_or(u32::MAX);
        let takes_part =
            |entry: &Entry<'_>| !rests(entry) && (round == FIRST || all_fit || entry.takes <= part);
        if !entries.iter().any(takes_part) {
            break;
        }
        // Nobody is always the one who comes after a certain other.
        for place in 0..entries.len() {
            let place = (place + round) % entries.len();
            let Some(entry) = entries.get_mut(place) else { continue };
            if takes_part(entry) {
                entry.take(stage, workload, round);
            }
        }
    }
    let rows: Vec<Row> = entries.into_iter().map(|entry| entry.row(stage, workload)).collect();
    for row in &rows {
        match row.spread() {
            Some(Spread { median, count, .. }) => {
                say(&format!("  {} {median:.3} ({count})", row.contestant));
            }
            None => say(&format!("  {} failed", row.contestant)),
        }
    }
    rows
}

impl<'a> Entry<'a> {
    fn new(contestant: &'a Contestant) -> Self {
        let (samples, takes) = (Vec::new(), Duration::ZERO);
        Self { contestant, samples, failure: None, rounds: usize::MAX, takes, count: 1 }
    }

    /// Takes a sample that does not count, with few starts or calls, and decides how many the
    /// samples that count will have.
    fn warm_up(&mut self, stage: &Stage, workload: &Workload) {
        let (all, first, least, at_most) = match workload.kind {
            Kind::Start(Start { count, .. }) if self.contestant.core => {
                (count, 1, 16, CORE_STARTS_AT_MOST)
            }
            Kind::Start(Start { count, .. }) => (count, 1, 16, STARTS_AT_MOST),
            Kind::Printed(count, _) => (count, count / FEWER, count / 100, SAMPLE_AT_MOST),
            Kind::Warm(count) => (count, count / FEWER, count, SAMPLE_AT_MOST),
            Kind::Program(_) | Kind::Piped | Kind::Death | Kind::Memory(_) => {
                (1, 1, 1, SAMPLE_AT_MOST)
            }
        };
        self.count = first;
        let begun = Instant::now();
        if let Err(error) = self.sample(stage, workload) {
            self.failure = Some(format!("{error:#}"));
        }
        let took = begun.elapsed();
        let each = took / first.max(1);
        let affordable = at_most.as_nanos() / each.as_nanos().max(1);
        let affordable = u32::try_from(affordable).unwrap_or(u32::MAX);
        self.count = all.min(affordable.max(least));
        self.takes = each * self.count;
    }

    fn take(&mut self, stage: &Stage, workload: &Workload, round: usize) {
        if self.failure.is_some() {
            return;
        }
        match self.sample(stage, workload) {
            Ok(sample) => self.samples.push((round, sample)),
            Err(error) => {
                self.failure = Some(format!("{error:#}"));
                self.samples.clear();
            }
        }
    }

    /// Does the workload once.
    fn sample(&self, stage: &Stage, workload: &Workload) -> Result<f64> {
        let contestant = self.contestant;
        let tree = stage.tree(contestant.name, workload.tree);
        let done = |command: &[OsString]| succeed(run(stage, contestant, &tree, command)?);
        match workload.kind {
            Kind::Program(command) => {
                let command = contestant.command(&tree, &command(&tree));
                Ok(milliseconds(done(&command)?.took))
            }
            Kind::Printed(_, command) => {
                let command = command(&tree, self.count.to_string());
                printed(&done(&contestant.command(&tree, &command))?)
            }
            Kind::Warm(_) => printed(&done(&contestant.command(&tree, &[self.count.to_string()]))?),
            Kind::Piped => {
                let script = "head -c 1000000000 /dev/zero | \"$@\" | wc -c";
                let mut whole = ["/bin/sh", "-c", script, "sh"].map(Into::into).to_vec();
                whole.extend(contestant.command(&tree, &["cat".to_owned()]));
                let ran = done(&whole)?;
                if ran.output.trim() != "1000000000" {
                    bail!("it passed on {} bytes", ran.output.trim());
                }
                Ok(milliseconds(ran.took))
            }
            Kind::Start(start) => self.start(stage, workload, start),
            Kind::Death => death::sample(stage, contestant),
            Kind::Memory(count) => memory::sample(stage, contestant, count),
        }
    }

    /// Starts `/bin/true` and returns how long each start took.
    fn start(&self, stage: &Stage, workload: &Workload, start: Start) -> Result<f64> {
        let contestant = self.contestant;
        let tree = stage.tree(contestant.name, workload.tree);
        let rules: Vec<_> =
            (0..start.rules).map(|number| stage.rules().join(number.to_string())).collect();
        let command = contestant.command_with_rules(&tree, &rules, &["/bin/true".to_owned()])?;
        if start.cold {
            // What is not written yet would stay in memory.
            rustix::fs::sync();
            std::fs::write("/proc/sys/vm/drop_caches", "3\n")
                .context("only root empties caches")?;
        }
        if start.count == 1 && start.megabytes == 0 {
            return Ok(milliseconds(succeed(run(stage, contestant, &tree, &command)?)?.took));
        }
        let numbers = [self.count, start.at_once, start.megabytes].map(|number| number.to_string());
        let mut whole = vec![stage.program("launch").into_os_string()];
        whole.extend(numbers.map(Into::into));
        whole.extend(command);
        printed(&succeed(run(stage, contestant, &tree, &whole)?)?)
    }

    fn row(self, stage: &Stage, workload: &Workload) -> Row {
        Row {
            user: stage.user.name().to_owned(),
            group: workload.group.name().to_owned(),
            workload: workload.name.to_owned(),
            about: workload.about.to_owned(),
            unit: workload.kind.unit().to_owned(),
            contestant: self.contestant.name.to_owned(),
            failure: self.failure,
            samples: self.samples,
        }
    }
}

fn succeed(ran: Ran) -> Result<Ran> {
    if !ran.status.success() {
        bail!("{}: {}", ran.status, ran.last_word());
    }
    Ok(ran)
}

/// What the workload measured itself. A contestant may have something to say besides.
fn printed(ran: &Ran) -> Result<f64> {
    let words = ran.output.split_ascii_whitespace();
    let number = words.rev().find_map(|word| word.parse().ok());
    number.context("failed to read what the workload measured")
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
