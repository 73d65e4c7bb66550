//! The plan in words, for `jailkeeper plan` and for people who embed the engine.

use super::{Plan, Source};
use jailkeeper_model::{Right, Strength, Wall};
use serde::Serialize;
use std::collections::BTreeMap;

/// What would be set up for a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The strength: `full` or `flat`.
    pub strength: &'static str,
    /// The command's arguments.
    pub command: Vec<String>,
    /// The files that would be tried for the program, in order.
    pub candidates: Vec<String>,
    /// The working directory.
    pub cwd: String,
    /// The user that the jail runs as.
    pub user: u32,
    /// The trees that would be mounted.
    pub trees: Vec<PlannedTree>,
    /// The symbolic links and routes in the view are counted, not listed.
    pub denied: Vec<String>,
    /// Names that are answered as absent.
    pub quiet: Vec<String>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// The walls by name, each with what it consists of.
    pub walls: BTreeMap<String, String>,
    /// What the caller should know.
    pub warnings: Vec<String>,
}

/// One mount of the view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlannedTree {
    /// Where it stands.
    pub path: String,
    /// `read` or `write`.
    pub right: &'static str,
    /// `host`, `memory`, `processes` or `terminals`.
    pub source: &'static str,
    /// Which rule asks for it.
    pub origin: String,
    /// Why the base has it.
    pub reason: Option<String>,
}

impl Plan {
    pub(crate) fn summary(&self) -> Summary {
        let text = |bytes: &std::ffi::OsStr| bytes.to_string_lossy().into_owned();
        let trees = self.trees.iter().map(|tree| {
            let rule = self.policy.rule_for(&tree.path);
            PlannedTree {
                path: text(tree.path.as_path().as_os_str()),
                right: if tree.right == Right::Write { "write" } else { "read" },
                source: match tree.source {
                    Source::Host { .. } => "host",
                    Source::Memory => "memory",
                    Source::Processes => "processes",
                    Source::Terminals => "terminals",
                },
                origin: rule.map(|rule| rule.origin().to_string()).unwrap_or_default(),
                reason: rule.and_then(|rule| rule.reason().map(str::to_owned)),
            }
        });
        Summary {
            strength: self.strength().as_str(),
            command: self.arguments.iter().map(|argument| text(argument)).collect(),
            candidates: self.candidates.iter().map(|path| text(path.as_os_str())).collect(),
            cwd: text(self.cwd.as_path().as_os_str()),
            user: self.identity.user,
            trees: trees.collect(),
            denied: self
                .trees
                .covers
                .iter()
                .filter(|cover| {
                    self.policy
                        .rule_for(&cover.path)
                        .is_none_or(|rule| rule.right() != Right::Quiet)
                })
                .map(|cover| text(cover.at.as_path().as_os_str()))
                .collect(),
            quiet: self
                .policy
                .rules()
                .iter()
                .filter(|rule| rule.right() == Right::Quiet)
                .map(|rule| text(rule.path().as_path().as_os_str()))
                .collect(),
            environment: self
                .environment
                .iter()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
            walls: self.walls(),
            warnings: self.warnings.clone(),
        }
    }

    fn walls(&self) -> BTreeMap<String, String> {
        if self.strength() == Strength::Flat {
            return self.flat_walls();
        }
        let filter = crate::walls::filter::program(self.watched(), self.nested);
        [
            ("namespaces", "user, mount, pid, ipc, uts".to_owned()),
            ("view", format!("FUSE root with {} mounts", self.trees.iter().count())),
            ("landlock", format!("ABI {}", self.landlock_abi)),
            ("seccomp", format!("{} instructions", filter.len())),
            ("privileges", "no capabilities, no new privileges".to_owned()),
            ("network", "no INET sockets".to_owned()),
        ]
        .map(|(name, detail)| (name.to_owned(), detail))
        .into()
    }
    fn flat_walls(&self) -> BTreeMap<String, String> {
        let filter = crate::launch::flat_filter(self, false);
        let off = self.walls_in_force().into_iter().filter_map(|(name, wall)| match wall {
            Wall::Off { reason } => Some((name.to_owned(), format!("none: {reason}"))),
            Wall::Enforced => None,
        });
        let on = [
            ("landlock", format!("ABI {}", self.landlock_abi)),
            ("seccomp", format!("{} instructions", filter.len())),
            ("privileges", "no capabilities, no new privileges".to_owned()),
            ("network", "no INET sockets".to_owned()),
        ];
        on.map(|(name, detail)| (name.to_owned(), detail)).into_iter().chain(off).collect()
    }

    /// Returns the walls that a jail of this plan has, with those that are off.
    pub(crate) fn walls_in_force(&self) -> Vec<(&'static str, Wall)> {
        let mut walls: Vec<_> = ["seccomp", "privileges", "network", "landlock"]
            .map(|name| (name, Wall::Enforced))
            .into();
        if self.strength() == Strength::Full {
            walls.extend(["namespaces", "view"].map(|name| (name, Wall::Enforced)));
            return walls;
        }
        let off = |reason: &str| Wall::Off { reason: reason.to_owned() };
        let why = self.weaker.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        walls.push((
            "namespaces",
            Wall::Off {
                reason: format!(
                    "strength `flat`{why}: processes and sockets of the host have their own names \
                     here"
                ),
            },
        ));
        if self.unwatched {
            walls.push((
                "watch",
                off("the caller's word: what the walls refuse has no event, and the jail goes on"),
            ));
        }
        walls.push((
            "view",
            if self.hides() {
                off("strength `flat`: looks outside are answered as absent by the watch alone")
            } else {
                off("strength `flat`: metadata of the outside can be seen (`--hide`)")
            },
        ));
        walls
    }
}
