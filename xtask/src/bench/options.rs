//! What the command line says.

use super::stage::User;
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::time::Duration;

const HELP: &str = "there are `--peers`, `--quick`, `--only WORKLOAD,..`, `--contestants NAME,..`, \
                    `--budget MINUTES`, `--continue`, `--render` and `--out DIR`";

/// What the command line said.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) quick: bool,
    /// Other people's sandboxes take part.
    pub(super) peers: bool,
    /// What is in the results already is not measured again.
    pub(super) go_on: bool,
    /// Nothing is measured; tables and charts are made of the results that are there.
    pub(super) render: bool,
    /// Workloads by the beginning of their names, or by their group; all if there are none.
    only: Vec<String>,
    /// Contestants by name; all if there are none. Native always takes part.
    pub(super) contestants: Vec<String>,
    /// How long all of it may take.
    pub(super) budget: Duration,
    pub(super) out: PathBuf,
    /// The prepared directory; given when this runs inside the containment.
    pub(super) inside: Option<PathBuf>,
}

impl Options {
    pub(super) fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            quick: false,
            peers: false,
            go_on: false,
            render: false,
            only: Vec::new(),
            contestants: Vec::new(),
            budget: Duration::ZERO,
            out: PathBuf::new(),
            inside: None,
        };
        let (mut minutes, mut out) = (None, None);
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value =
                || arguments.next().with_context(|| format!("`{argument}` needs a value"));
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--peers" => options.peers = true,
                "--continue" => options.go_on = true,
                "--render" => options.render = true,
                "--only" => options.only = list(value()?),
                "--contestants" => options.contestants = list(value()?),
                "--budget" => {
                    let number = value()?.parse::<u32>();
                    minutes = Some(number.context("a budget is a number of minutes")?);
                }
                "--out" => out = Some(std::path::absolute(value()?)?),
                "--inside" => options.inside = Some(value()?.into()),
                _ => bail!("unknown option `{argument}`; {HELP}"),
            }
        }
        if options.go_on && options.render {
            bail!("`--render` measures nothing, so there is nothing to continue");
        }
        // A part of the results would replace all of them.
        let is_part = !options.only.is_empty() || !options.contestants.is_empty();
        let is_part = is_part && !options.go_on;
        let place = || if is_part { workspace::root().join("target/bench") } else { usual() };
        options.out = out.unwrap_or_else(place);
        let usual = if options.quick { 5 } else { 25 };
        options.budget = Duration::from_secs(u64::from(minutes.unwrap_or(usual)) * 60);
        Ok(options)
    }

    pub(super) fn wants(&self, workload: &str, group: &str) -> bool {
        let is_wanted = |name: &String| workload.starts_with(name.as_str()) || name == group;
        self.only.is_empty() || self.only.iter().any(is_wanted)
    }

    /// Up to when the workloads of a user should be done, from the beginning on.
    pub(super) fn time_of(&self, user: User) -> Duration {
        match user {
            // As the second user only our own are measured.
            User::Root if self.peers => self.budget * 3 / 4,
            User::Root => self.budget / 2,
            User::Nobody | User::Caller => self.budget,
        }
    }

    /// Tells whether the results are the ones that the documents show.
    pub(super) fn is_usual(&self) -> bool {
        self.out == usual()
    }
}

fn usual() -> PathBuf {
    workspace::root().join("docs/benchmarks")
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|name| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Options> {
        Options::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn lists_are_divided_by_commas() {
        let options = parse(&["--only", "start, pdf", "--budget", "3"]).expect("it is right");
        assert!(options.wants("pdflatex", "programs") && options.wants("start, cold", "start"));
        assert!(!options.wants("find", "programs") && !options.is_usual());
        assert!(parse(&["--peers"]).expect("it is right").is_usual());
        assert!(parse(&["--continue", "--only", "find"]).expect("it is right").is_usual());
        assert_eq!(options.time_of(User::Nobody), Duration::from_secs(180));
        assert_eq!(options.time_of(User::Root), Duration::from_secs(90));
    }

    #[test]
    fn mistakes_are_errors() {
        let both = &["--continue", "--render"];
        for words in [&["--fast"][..], &["--only"], &["--budget", "long"], both] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
