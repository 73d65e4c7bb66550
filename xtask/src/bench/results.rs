//! What was measured, as `results.json` keeps it.

use super::statistics::{self, Spread};
use serde::{Deserialize, Serialize};

/// The version of this format.
pub(super) const VERSION: u32 = 2;

/// Under what name the versions have a run that added to the results.
const CONTINUED: &str = "continued";

/// Everything that was measured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Results {
    /// Of this format.
    pub(super) version: u32,
    pub(super) quick: bool,
    pub(super) machine: Machine,
    pub(super) contestants: Vec<About>,
    /// Contestants that were not there.
    pub(super) absent: Vec<Absent>,
    pub(super) rows: Vec<Row>,
}

/// The machine and the programs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Machine {
    pub(super) date: String,
    pub(super) processor: String,
    pub(super) processors: usize,
    /// Whether the processor says that there is a hypervisor.
    pub(super) virtual_machine: bool,
    pub(super) kernel: String,
    pub(super) system: String,
    pub(super) load_before: String,
    pub(super) load_after: String,
    /// Program and what it says of itself.
    pub(super) versions: Vec<(String, String)>,
}

impl Machine {
    /// Returns what a program says of itself.
    pub(super) fn version(&self, program: &str) -> Option<&str> {
        let found = self.versions.iter().find(|(name, _)| name == program);
        found.map(|(_, version)| version.as_str())
    }
}

/// A contestant, in words.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) about: String,
    /// Whether it tells which forbidden file was touched.
    pub(super) names: String,
    /// Whether it was seen to refuse a forbidden file before it was measured.
    pub(super) refuses: bool,
    pub(super) version: String,
}

impl About {
    /// Tells whether it is one of ours.
    pub(super) fn is_ours(&self) -> bool {
        self.name.starts_with("jailkeeper")
    }
}

/// A contestant that is not on this machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Absent {
    pub(super) name: String,
    pub(super) why: String,
}

/// One contestant's results in one workload.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) user: String,
    pub(super) group: String,
    pub(super) workload: String,
    pub(super) about: String,
    pub(super) unit: String,
    pub(super) contestant: String,
    pub(super) failure: Option<String>,
    /// Each with the round in which it was taken.
    pub(super) samples: Vec<(usize, f64)>,
}

impl Row {
    pub(super) fn spread(&self) -> Option<Spread> {
        let values: Vec<f64> = self.samples.iter().map(|(_, value)| *value).collect();
        Spread::of(&values)
    }
}

impl Results {
    /// Nothing yet.
    pub(super) fn new(quick: bool, machine: Machine) -> Self {
        let (contestants, absent, rows) = Default::default();
        Self { version: VERSION, quick, machine, contestants, absent, rows }
    }

    /// Notes that another run adds to these.
    pub(super) fn go_on(&mut self, machine: &Machine) {
        let Machine { date, kernel, load_before, .. } = machine;
        let text = format!(
            "{date}, commit {}, Linux {kernel}, load average {load_before}",
            machine.version("commit").unwrap_or_default()
        );
        self.machine.versions.push((CONTINUED.to_owned(), text));
    }

    /// Sets who takes part, beside those who did before.
    pub(super) fn set_field(&mut self, there: Vec<About>, mut absent: Vec<Absent>) {
        let before = std::mem::replace(&mut self.contestants, there);
        for one in before {
            if !self.contestants.iter().any(|other| other.name == one.name) {
                self.contestants.push(one);
            }
        }
        absent.retain(|one| !self.contestants.iter().any(|other| other.name == one.name));
        self.absent = absent;
    }

    /// Tells whether a workload was measured.
    pub(super) fn has(&self, user: &str, workload: &str) -> bool {
        self.rows.iter().any(|row| row.user == user && row.workload == workload)
    }

    /// The users, in their order.
    pub(super) fn users(&self) -> Vec<&str> {
        distinct(self.rows.iter().map(|row| row.user.as_str()))
    }

    /// The workloads of a user, each by one of its rows.
    pub(super) fn workloads(&self, user: &str) -> Vec<&Row> {
        let mut found: Vec<&Row> = Vec::new();
        for row in self.rows.iter().filter(|row| row.user == user) {
            if !found.iter().any(|other| other.workload == row.workload) {
                found.push(row);
            }
        }
        found
    }

    pub(super) fn row(&self, user: &str, workload: &str, contestant: &str) -> Option<&Row> {
        self.rows.iter().find(|row| {
            row.user == user && row.workload == workload && row.contestant == contestant
        })
    }

    /// The median of the ratios within a round.
    pub(super) fn ratio(
        &self,
        user: &str,
        workload: &str,
        contestant: &str,
        to: &str,
    ) -> Option<f64> {
        let (one, other) = (self.row(user, workload, contestant)?, self.row(user, workload, to)?);
        statistics::ratio(&one.samples, &other.samples)
    }

    /// The geometric mean of a contestant's ratios over the workloads of a group, if it did all.
    pub(super) fn mean_ratio(
        &self,
        user: &str,
        group: &str,
        contestant: &str,
        to: &str,
    ) -> Option<f64> {
        self.mean_over(user, &self.names(user, group), contestant, to)
    }

    /// The same over these workloads.
    pub(super) fn mean_over(
        &self,
        user: &str,
        workloads: &[&str],
        contestant: &str,
        to: &str,
    ) -> Option<f64> {
        let ratio = |workload: &&str| self.ratio(user, workload, contestant, to);
        let ratios: Option<Vec<f64>> = workloads.iter().map(ratio).collect();
        statistics::geometric_mean(&ratios?)
    }

    /// The names of the workloads of a group.
    pub(super) fn names(&self, user: &str, group: &str) -> Vec<&str> {
        let workloads = self.workloads(user).into_iter().filter(|row| row.group == group);
        workloads.map(|row| row.workload.as_str()).collect()
    }

    /// The names of the calls with absolute paths, and of all others.
    pub(super) fn calls(&self, user: &str) -> (Vec<&str>, Vec<&str>) {
        self.names(user, "calls").into_iter().partition(|name| name.ends_with("absolute"))
    }

    /// Says in how many runs this was measured.
    pub(super) fn in_turn(&self) -> String {
        let more = self.machine.versions.iter().filter(|(name, _)| name == CONTINUED).count();
        match more {
            0 => "all in one run, in turn".to_owned(),
            more => format!("in {} runs, each workload in one of them, in turn", more + 1),
        }
    }

    pub(super) fn median(&self, user: &str, workload: &str, contestant: &str) -> Option<f64> {
        Some(self.row(user, workload, contestant)?.spread()?.median)
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
