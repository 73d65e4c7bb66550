//! Makes the filter from the table.
//!
//! When a filter is installed, the kernel runs it for every number that it has, to find those
//! that are allowed whatever their arguments are; these skip the filter from then on. So what
//! counts is the depth: the numbers stand in a tree over intervals of equal treatment. Installed
//! in 80 us (362 instructions, 21 on the longest way; Linux 6.18); a list of 202 took 686 us.

mod nested;
mod unwatched;

use super::abi::{Abi, NATIVE};
use super::calls::{self, DOMAIN};
use super::flags::{O_PATH, WRITE_INTENT};
use super::treatment::{
    ArgumentRule, Call, Condition, ENOSYS, EPERM, Intent, Outcome, ProcessCall, SocketCall,
    Treatment,
};
use jailkeeper_model::Class;
use jailkeeper_sys::bpf::{ARCHITECTURE, Item, Label, NUMBER, Program};
use jailkeeper_sys::bpf::{argument_high, argument_low};
use jailkeeper_sys::seccomp::{ALLOW, NOTIFY, errno};
use std::sync::OnceLock;

/// The first number that is negative as the kernel sees it: no ABI has such calls. Programs make
/// `syscall(-1)` to ask whether a kernel is there.
const NEGATIVE: u32 = 0x8000_0000;
/// `O_CREAT`, `__O_TMPFILE`.
const MAKES: u32 = 0o20_000_100;
/// `S_ISUID`, `S_ISGID`.
const SET_IDS: u32 = 0o6000;
/// Up to so many single numbers are tested one after the other instead of by halving.
const ISLANDS: usize = 4;

/// Which calls that name files go to the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watched {
    /// Those with write intent.
    Writes,
    /// These and all that open files, because some are granted from outside.
    Opens,
    /// All of them, because walls are wider than the policy and all that is used is written down.
    Everything,
}

/// What the filter of strength `flat` hands to the listener besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flat {
    /// Calls that only look, because what is outside is answered as absent.
    pub(crate) looks: bool,
    /// Calls that make processes, because no control group kills them.
    pub(crate) forks: bool,
    /// Calls that send signals, because Landlock does not govern them.
    pub(crate) signals: bool,
    /// Calls that end a process, because nobody would know whose its children were.
    pub(crate) exits: bool,
    /// Filters of the program's own are let through.
    pub(crate) nested: bool,
}

/// Returns the filter of strength `flat`.
pub(crate) fn flat_program(flat: Flat) -> Program {
    let calls = nested::calls(calls::flat::all(), flat.nested);
    let items = items_of(&NATIVE, &calls, &|call| Leaf::of_flat(call, flat), NOTIFY);
    Program::assemble(&items).expect("every label stands once, behind all jumps to it")
}

/// Returns the filter of strength `flat` that has no listener: what would be handed to one is
/// refused, unless a wall gives the answer.
pub(crate) fn unwatched_program(nested: bool) -> Program {
    let calls = nested::calls(calls::flat::all(), nested);
    let items = items_of(&NATIVE, &calls, &unwatched::leaf, errno(EPERM));
    Program::assemble(&items).expect("every label stands once, behind all jumps to it")
}

/// Returns the filter, made at the first call.
pub(crate) fn program(watched: Watched, nested: bool) -> &'static Program {
    static PROGRAMS: [OnceLock<Program>; 6] = [const { OnceLock::new() }; 6];
    let [writes, opens, everything, writes_nested, opens_nested, everything_nested] = &PROGRAMS;
    let program = match (watched, nested) {
        (Watched::Writes, false) => writes,
        (Watched::Opens, false) => opens,
        (Watched::Everything, false) => everything,
        (Watched::Writes, true) => writes_nested,
        (Watched::Opens, true) => opens_nested,
        (Watched::Everything, true) => everything_nested,
    };
    program.get_or_init(|| {
        let items = items_with(&NATIVE, watched, nested);
        Program::assemble(&items).expect("every label stands once, behind all jumps to it")
    })
}

/// Tells whether a parked call came through an ABI other than the machine's own 64-bit one.
///
/// Its number means another call than the table says, if any.
pub(crate) fn is_foreign(architecture: u32, number: i32) -> bool {
    NATIVE.is_foreign(architecture, number)
}

/// Returns the lines of the filter of a machine.
#[cfg(test)]
pub(super) fn items(abi: &Abi, watched: Watched) -> Vec<Item> {
    items_with(abi, watched, false)
}

fn items_with(abi: &Abi, watched: Watched, nested: bool) -> Vec<Item> {
    let calls = nested::calls(calls::all().collect(), nested);
    items_of(abi, &calls, &|call| Leaf::of(call, watched), NOTIFY)
}

/// `heard` is what becomes of a call that is for the listener.
fn items_of(
    abi: &Abi,
    calls: &[&'static Call],
    leaf: &dyn Fn(&'static Call) -> Leaf,
    heard: u32,
) -> Vec<Item> {
    let mut writer = Writer { heard, ..Writer::default() };
    let native = writer.fresh();
    writer.items.extend([
        Item::Load(ARCHITECTURE),
        Item::IfEqual(abi.architecture, native),
        Item::Return(heard),
        Item::Here(native),
        Item::Load(NUMBER),
    ]);
    let intervals = intervals(abi, calls, leaf);
    if let Some(shared) = abi.shared_from {
        let (high, unknown) = (writer.fresh(), writer.label(Leaf::Action(errno(ENOSYS))));
        writer.items.push(Item::IfAtLeast(shared, high));
        writer.tree(&intervals, shared);
        writer.items.extend([
            Item::Here(high),
            Item::IfAtLeast(NEGATIVE, unknown),
            Item::Return(heard),
        ]);
    } else {
        // Negative ones are above all others, and unknown like these.
        writer.tree(&intervals, u32::MAX);
    }
    writer.leaves();
    writer.items
}

/// What is at the end of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaf {
    /// Ends with this `SECCOMP_RET_*` value.
    Action(u32),
    /// Decides by the low half of an argument.
    Rule(&'static ArgumentRule),
    /// Goes to the listener if the open flags in this argument have write intent.
    OpenFlags(u8),
    /// Goes to the listener if the pointer in this argument is not null.
    Pointer(u8),
    /// Is for the listener if a file is made, by the open flags in the first argument, whose mode in
    /// the second would change its user.
    Makes(u8, u8),
    /// Is for the listener if the mode in this argument would change a file's user.
    Mode(u8),
}

/// Numbers of equal treatment: from `first` to the next interval's.
#[derive(Debug, Clone, Copy)]
struct Interval {
    first: u32,
    leaf: Leaf,
}

impl Leaf {
    fn of(call: &'static Call, watched: Watched) -> Self {
        match &call.treatment {
            Treatment::Allow => Self::Action(ALLOW),
            Treatment::Refuse { errno: number } => Self::Action(errno(*number)),
            Treatment::Breach | Treatment::Descriptor(_) => Self::Action(NOTIFY),
            Treatment::Path(path) => match path.intent {
                Intent::Writes | Intent::OpenHow { .. } => Self::Action(NOTIFY),
                Intent::Reads if watched == Watched::Everything => Self::Action(NOTIFY),
                Intent::Reads => Self::Action(ALLOW),
                Intent::OpenFlags { .. } if watched != Watched::Writes => Self::Action(NOTIFY),
                Intent::OpenFlags { argument } => Self::OpenFlags(argument),
            },
            Treatment::Socket(SocketCall::Create) => Self::Rule(&DOMAIN),
            Treatment::Socket(SocketCall::SendTo) => Self::Pointer(4),
            Treatment::Socket(_) => Self::Action(NOTIFY),
            Treatment::Arguments(rule) => Self::Rule(rule),
            Treatment::Process(_) => Self::Action(NOTIFY),
        }
    }

    fn of_flat(call: &'static Call, flat: Flat) -> Self {
        match &call.treatment {
            Treatment::Path(path) => match (path.intent, path.class) {
                (Intent::Reads, Class::Probe) if !flat.looks => Self::Action(ALLOW),
                _ => Self::Action(NOTIFY),
            },
            Treatment::Process(ProcessCall::Fork(rule)) if flat.forks => Self::Rule(rule),
            Treatment::Process(ProcessCall::Fork(_)) if call.name() == "clone" => {
                Self::Rule(&calls::flat::CLONE_UNHELD)
            }
            Treatment::Process(ProcessCall::Fork(_)) => {
                Self::of(call_of_full(call), Watched::Opens)
            }
            Treatment::Process(ProcessCall::Settings(rule)) => Self::Rule(rule),
            Treatment::Socket(SocketCall::Create) => Self::Action(NOTIFY),
            Treatment::Process(ProcessCall::Signal { .. }) if !flat.signals => Self::Action(ALLOW),
            Treatment::Process(ProcessCall::Exit) if !flat.exits => Self::Action(ALLOW),
            _ => Self::of(call, Watched::Opens),
        }
    }
}

/// Returns the entry that a call has at strength `full`.
fn call_of_full(call: &'static Call) -> &'static Call {
    let number = NATIVE.number(call.number).and_then(|number| i32::try_from(number).ok());
    number.and_then(calls::call).unwrap_or(call)
}

/// Returns the intervals from number 0 upwards, the last one without end.
fn intervals(
    abi: &Abi,
    calls: &[&'static Call],
    leaf: &dyn Fn(&'static Call) -> Leaf,
) -> Vec<Interval> {
    let numbered = calls.iter().filter_map(|call| Some((abi.number(call.number)?, *call)));
    let mut calls: Vec<_> = numbered.collect();
    calls.sort_unstable_by_key(|(number, _)| *number);
    let unknown = Leaf::Action(errno(ENOSYS));
    let mut intervals = Vec::new();
    let mut add = |first: u32, leaf: Leaf| {
        if intervals.last().is_none_or(|last: &Interval| last.leaf != leaf) {
            intervals.push(Interval { first, leaf });
        }
    };
    let mut next = 0;
    for (number, call) in calls {
        if number > next {
            add(next, unknown);
        }
        add(number, leaf(call));
        next = number + 1;
    }
    add(next, unknown);
    intervals
}

/// Writes the filter. A leaf is written once, behind all the jumps to it.
#[derive(Default)]
struct Writer {
    heard: u32,
    items: Vec<Item>,
    labels: u32,
    leaves: Vec<(Leaf, Label)>,
}

impl Writer {
    fn fresh(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels)
    }

    fn label(&mut self, leaf: Leaf) -> Label {
        if let Some((_, label)) = self.leaves.iter().find(|(known, _)| *known == leaf) {
            return *label;
        }
        let label = self.fresh();
        self.leaves.push((leaf, label));
        label
    }

    /// Goes to the leaf of the interval that the loaded number is in; the number is below `end`.
    fn tree(&mut self, intervals: &[Interval], end: u32) {
        if let Some((sea, islands)) = islands(intervals, end) {
            for (number, leaf) in islands {
                let label = self.label(leaf);
                self.items.push(Item::IfEqual(number, label));
            }
            return self.finish(sea);
        }
        let (below, above) = intervals.split_at(intervals.len() / 2);
        let Some(middle) = above.first() else { return };
        if above.len() == 1 {
            let label = self.label(middle.leaf);
            self.items.push(Item::IfAtLeast(middle.first, label));
            self.tree(below, middle.first);
        } else {
            let label = self.fresh();
            self.items.push(Item::IfAtLeast(middle.first, label));
            self.tree(below, middle.first);
            self.items.push(Item::Here(label));
            self.tree(above, end);
        }
    }

    /// Ends at a leaf without a test.
    fn finish(&mut self, leaf: Leaf) {
        let item = match leaf {
            Leaf::Action(action) => Item::Return(action),
            _ => Item::Goto(self.label(leaf)),
        };
        self.items.push(item);
    }

    /// Writes all leaves that have been jumped to: tests first, then the actions they end in.
    fn leaves(&mut self) {
        let mut at = 0;
        while let Some((leaf, label)) = self.leaves.get(at).copied() {
            at += 1;
            if !matches!(leaf, Leaf::Action(_)) {
                self.items.push(Item::Here(label));
                self.test(leaf);
            }
        }
        for (leaf, label) in self.leaves.clone() {
            if let Leaf::Action(action) = leaf {
                self.items.extend([Item::Here(label), Item::Return(action)]);
            }
        }
    }

    fn test(&mut self, leaf: Leaf) {
        let allow = self.label(Leaf::Action(ALLOW));
        let heard = self.heard;
        let notify = self.label(Leaf::Action(heard));
        match leaf {
            Leaf::Action(action) => self.items.push(Item::Return(action)),
            Leaf::Rule(rule) => {
                self.items.push(Item::Load(argument_low(rule.argument.into())));
                for case in rule.cases {
                    let label = self.label(action(case.outcome, heard));
                    match case.when {
                        Condition::Equals(constant) => {
                            self.items.push(Item::IfEqual(constant, label));
                        }
                        Condition::AnyBit(bits) => self.items.push(Item::IfAnyBit(bits, label)),
                        // What was masked away is loaded again.
                        Condition::Masked { mask, value } => self.items.extend([
                            Item::And(mask),
                            Item::IfEqual(value, label),
                            Item::Load(argument_low(rule.argument.into())),
                        ]),
                    }
                }
                self.finish(action(rule.otherwise, heard));
            }
            Leaf::Makes(flags, mode) => {
                let makes = self.fresh();
                self.items.extend([
                    Item::Load(argument_low(flags.into())),
                    Item::IfAnyBit(MAKES, makes),
                    Item::Return(ALLOW),
                    Item::Here(makes),
                    Item::Load(argument_low(mode.into())),
                    Item::IfAnyBit(SET_IDS, notify),
                    Item::Return(ALLOW),
                ]);
            }
            Leaf::Mode(argument) => self.items.extend([
                Item::Load(argument_low(argument.into())),
                Item::IfAnyBit(SET_IDS, notify),
                Item::Return(ALLOW),
            ]),
            Leaf::OpenFlags(argument) => {
                let writes = self.fresh();
                self.items.extend([
                    Item::Load(argument_low(argument.into())),
                    Item::IfAnyBit(WRITE_INTENT, writes),
                    Item::Return(ALLOW),
                    Item::Here(writes),
                    Item::IfAnyBit(O_PATH, allow),
                    Item::Return(heard),
                ]);
            }
            // A pointer has 64 bits, so either half can hold it.
            Leaf::Pointer(argument) => self.items.extend([
                Item::Load(argument_low(argument.into())),
                Item::IfAnyBit(u32::MAX, notify),
                Item::Load(argument_high(argument.into())),
                Item::IfAnyBit(u32::MAX, notify),
                Item::Return(ALLOW),
            ]),
        }
    }
}

fn action(outcome: Outcome, heard: u32) -> Leaf {
    Leaf::Action(match outcome {
        Outcome::Allow => ALLOW,
        Outcome::Refuse { errno: number } => errno(number),
        Outcome::Notify => heard,
    })
}

/// Sees intervals as one treatment with a few single numbers in it, if they are that.
///
/// `end` is the first number behind the last interval. The treatment of the first or of the last
/// interval is taken for the sea.
fn islands(intervals: &[Interval], end: u32) -> Option<(Leaf, Vec<(u32, Leaf)>)> {
    let around = |sea: Leaf| {
        let mut found = Vec::new();
        for (at, interval) in intervals.iter().enumerate().filter(|(_, i)| i.leaf != sea) {
            let end = intervals.get(at + 1).map_or(end, |next| next.first);
            found.extend((interval.first..end).take(ISLANDS + 1).map(|n| (n, interval.leaf)));
            if found.len() > ISLANDS {
                return None;
            }
        }
        Some((sea, found))
    };
    let ends = [intervals.first()?.leaf, intervals.last()?.leaf];
    ends.into_iter().filter_map(around).min_by_key(|(_, found)| found.len())
}
