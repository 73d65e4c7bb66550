//! Calls that name files.

use super::super::ask::{self, Opening};
use super::super::caller::file_path;
use super::super::grant::{self, Wanted};
use super::super::rename;
use super::super::walk::{End, Walk};
use super::{Answer, Watch, refuse_call};
use crate::plan::{Node, Source};
use crate::walls::filter::{self, Intent, PathArgument, PathCall};
use crate::ward::{Attempt, is_directory};
use jailkeeper_model::{Access, Class, JailPath, Mode, Presence, Refusal, Right, Verdict, decide};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// A path that a call names.
pub(super) struct Place {
    /// As requested, made absolute.
    pub(super) file: Option<JailPath>,
    pub(super) walk: Walk,
    /// It stands for another name, which the kernel would look for instead.
    pub(super) instead: bool,
}

/// What a path argument is.
enum Named {
    Place(Box<Place>),
    /// The file behind a descriptor itself.
    Descriptor(u64),
    /// The kernel refuses it as well, with this error.
    Nothing(Errno),
}

impl Watch<'_> {
    /// A call that takes paths.
    pub(super) fn paths(&self, call: &PathCall) -> Answer {
        let flags = match call.intent {
            Intent::OpenFlags { argument } => Some(self.argument(argument)),
            Intent::OpenHow { argument } => match self.how(self.argument(argument)) {
                Some(flags) => Some(flags),
                None => return Answer::Refuse(Errno::FAULT),
            },
            _ if self.call.name() == "creat" => Some(CREAT_FLAGS),
            _ => None,
        };
        let mut places = Vec::new();
        for path in call.paths {
            let named = match self.named(path, flags) {
                Ok(named) => named,
                Err(answer) => return answer,
            };
            match named {
                Named::Place(place) => places.push(self.own_memory(call, *place, flags)),
                Named::Descriptor(number) if call.class == Class::Content => {
                    return self.empty_path(call, number);
                }
                // Looking at what one has already.
                Named::Descriptor(_) => return Answer::Resume,
                Named::Nothing(errno) => return Answer::Refuse(errno),
            }
        }
        let mut from = None;
        for (place, argument) in places.iter_mut().zip(call.paths) {
            let special = flags.and_then(|flags| self.special(call, place, flags));
            if let Some(answer) = special {
                return answer;
            }
            if let Some(answer) = self.judge_place(call, argument, place, flags, from.as_ref()) {
                return answer;
            }
            from = Some(place.walk.path.clone());
        }
        match (call.intent, call.class, call.mode) {
            // Its flags and permissions are in memory, where another thread could change them. A
            // kernel without this call says ENOSYS, and programs use `openat` then.
            (Intent::OpenHow { .. }, ..) => Answer::Refuse(Errno::NOSYS),
            (_, Class::Probe, _) | (_, _, Mode::Execute) => Answer::Resume,
            _ => self.allowed(call, &places, flags),
        }
    }

    /// Answers a call that may be made: Landlock gives the same answer whatever the memory then
    /// says, or it is done here.
    fn allowed(&self, call: &PathCall, places: &[Place], flags: Option<u64>) -> Answer {
        if !is_governed(call.operation, self.ward.plan.landlock_abi) {
            let [place] = places else { return Answer::Refuse(Errno::NOSYS) };
            return self.change_path(call.operation, place);
        }
        let writes = flags.is_none_or(filter::has_write_intent);
        let wanted = if writes { Right::Write } else { Right::Read };
        let plan = &self.ward.plan;
        let truncates_ungoverned = plan.landlock_abi < 3
            && flags.is_some_and(|flags| flags & O_TRUNC != 0 && flags & O_ACCESS == 0);
        let native = plan.native.is_everything()
            || places.iter().all(|place| self.is_native(&place.walk, wanted));
        let instead = places.iter().any(|place| place.instead);
        if native && !instead && !truncates_ungoverned && !self.races() {
            return Answer::Resume;
        }
        match flags {
            Some(flags) if flags & O_PATH != 0 => Answer::Resume,
            Some(flags) if native && !truncates_ungoverned => {
                self.open_native_on_behalf(places, flags, self.mode_argument(call))
            }
            Some(flags) => self.open_on_behalf(places, flags, self.mode_argument(call)),
            None => self.alter_on_behalf(call.operation, places),
        }
    }

    /// Tells whether Landlock grants what is at a place, and making and removing it.
    fn is_native(&self, walk: &Walk, wanted: Right) -> bool {
        let plan = &self.ward.plan;
        // To make or remove a name is to change the directory that it is in.
        let changed = if wanted == Right::Write { walk.path.parent() } else { None };
        let grants = |path: &JailPath| plan.native.grants(&plan.trees, path, wanted);
        match changed {
            Some(parent) if plan.trees.at(&walk.path).is_none() => {
                grants(&parent) || (walk.presence == Presence::Exists && grants(&walk.path))
            }
            _ => grants(&walk.path),
        }
    }

    /// What no rule of Landlock's can grant, and what is not judged by its name.
    fn special(&self, call: &PathCall, place: &mut Place, flags: u64) -> Option<Answer> {
        let close_on_exec = filter::closes_on_exec(flags);
        if let End::Descriptor(number) = place.walk.end {
            match self.reopened(number, flags) {
                Ok(path) => (place.walk.path, place.walk.end) = (path, End::Tree),
                Err(answer) => return Some(answer),
            }
        }
        let plan = &self.ward.plan;
        let tree = plan.trees.containing(&place.walk.path);
        if tree.is_some_and(|tree| matches!(tree.source, Source::Processes)) {
            return self.open_process(place, flags);
        }
        let node = plan.view.find(&place.walk.path).and_then(|id| plan.view.node(id));
        if let (Some(Node::Text(text)), false) = (node, filter::has_write_intent(flags)) {
            if flags & O_PATH != 0 {
                return None;
            }
            return Some(match super::behalf::text(text) {
                Ok(fd) => Answer::Descriptor { fd, close_on_exec },
                Err(errno) => Answer::Refuse(errno),
            });
        }
        let wanted = Wanted::new(flags, self.mode_argument(call))?;
        let granted = grant::open(self.ward, self.caller, &place.walk, wanted)?;
        Some(match granted {
            Ok(fd) => Answer::Descriptor { fd, close_on_exec },
            Err(errno) => Answer::Refuse(errno),
        })
    }

    /// Judges one path; `None` lets the call go on. Before the second one the first was judged.
    fn judge_place(
        &self,
        call: &PathCall,
        argument: &PathArgument,
        place: &Place,
        flags: Option<u64>,
        from: Option<&JailPath>,
    ) -> Option<Answer> {
        let walk = &place.walk;
        let creates = flags.map_or(argument.creates, filter::creates);
        let writes = flags.map_or(call.intent == Intent::Writes, filter::has_write_intent);
        // Making what is there already is EEXIST and changes nothing: `mkdir -p` does it with
        // every directory on its way.
        let exclusive = is_exclusive(call, flags) || self.renames_exclusively();
        if creates && walk.presence == Presence::Exists && exclusive {
            return None;
        }
        let path = walk.path.clone();
        let outside = matches!(walk.end, End::Outside(_));
        let reads = call.mode == Mode::Read && !writes;
        let lists = reads && flags.is_some() && outside && is_directory(&path);
        let probes = call.class == Class::Probe || lists;
        let (access, mode) = match call.mode {
            _ if probes => (Access::probe(path, walk.presence), Mode::Read),
            Mode::Execute => (Access::execute(path, walk.presence), Mode::Execute),
            _ if creates && matches!(call.operation, "rename" | "symlink") => {
                // A directory that is moved there, or that a link leads to, could bring along what
                // is denied or may only be read.
                let below = self.ward.plan.policy.kept_below(&path).cloned();
                (Access::create(below.unwrap_or(path)), Mode::Write)
            }
            _ if creates => (Access::create(path), Mode::Write),
            _ if writes => (Access::write(path, walk.presence), Mode::Write),
            _ => (Access::read(path, walk.presence), Mode::Read),
        };
        let attempt = Attempt {
            access,
            file: place.file.clone(),
            operation: if lists { "list" } else { call.operation },
            syscall: self.call.name().to_owned(),
            flags: match call.intent {
                Intent::OpenFlags { .. } | Intent::OpenHow { .. } => {
                    flags.map(filter::open_flag_names).unwrap_or_default()
                }
                _ => Vec::new(),
            },
            mode,
        };
        // Answered and never resumed: a wrong look gives a wrong error, and nothing else.
        if creates
            && call.operation == "rename"
            && matches!(decide(&self.ward.plan.policy, &attempt.access), Verdict::Jailbreak(_))
            && let Some(errno) = rename::fails_anyway(self.ward, self.rename_flags(), from, walk)
        {
            return Some(Answer::Refuse(errno));
        }
        if let Some(flags) = flags
            && let Some(answer) = self.ask(&attempt, flags, self.mode_argument(call))
        {
            return Some(answer);
        }
        let refused = self.refused(&attempt);
        if refused.is_none() && call.mode == Mode::Execute {
            return self.judge_interpreter(call, walk);
        }
        refused
    }

    /// Tells whether the call renames to a name that must not be there: `mv` tries that first.
    pub(super) fn renames_exclusively(&self) -> bool {
        self.rename_flags() == rename::NO_REPLACE
    }

    fn rename_flags(&self) -> u64 {
        rename::flags(self.call, self.int(4).into())
    }

    /// Asks about an attempt to open a file, if that is what follows it and the file could be handed
    /// over; `None` if nobody is asked.
    fn ask(&self, attempt: &Attempt, flags: u64, mode: u64) -> Option<Answer> {
        let (wanted, close_on_exec) = (Wanted::new(flags, mode)?, filter::closes_on_exec(flags));
        let opening = Opening { id: self.id, caller: self.caller, wanted, close_on_exec };
        ask::about(self.ward, self.listener, attempt, opening).then_some(Answer::Later)
    }

    /// Judges an attempt; `None` if it may go on.
    pub(super) fn refused(&self, attempt: &Attempt) -> Option<Answer> {
        // What is quiet is asked for by everybody and told to nobody, as it is where a view has it.
        if decide(&self.ward.plan.policy, &attempt.access) == Verdict::Refuse(Refusal::Quiet) {
            return Some(Answer::Refuse(Errno::NOENT));
        }
        match self.ward.judge(self.caller, attempt) {
            Verdict::Allow | Verdict::Grant => None,
            Verdict::Refuse(_) => Some(Answer::Refuse(Errno::NOENT)),
            Verdict::Jailbreak(_) if attempt.is_probe() => Some(Answer::Refuse(Errno::NOENT)),
            Verdict::Jailbreak(_) => Some(Answer::Refuse(Errno::ACCESS)),
        }
    }

    /// Judges the interpreter that a script names: the kernel opens it unasked.
    fn judge_interpreter(&self, call: &PathCall, script: &Walk) -> Option<Answer> {
        let text = super::behalf::first_line(self.ward, &script.path)?;
        let line = text.strip_prefix("#!")?.lines().next()?.trim_start();
        let interpreter = PathBuf::from(line.split_ascii_whitespace().next()?);
        let start = self.caller.start(&interpreter, None)?;
        let walk = self.ward.walk(self.caller, &start, &interpreter, true);
        if let End::Nowhere(errno) = walk.end {
            return Some(Answer::Refuse(errno));
        }
        let attempt = Attempt {
            access: Access::execute(walk.path, walk.presence),
            file: JailPath::resolve(&start, &interpreter).ok(),
            operation: call.operation,
            syscall: self.call.name().to_owned(),
            flags: Vec::new(),
            mode: Mode::Execute,
        };
        self.refused(&attempt)
    }

    /// Reads a path argument and follows it.
    fn named(&self, path: &PathArgument, flags: Option<u64>) -> Result<Named, Answer> {
        let address = self.argument(path.path);
        let directory = path.directory.map(|index| self.argument(index));
        let text = if address == 0 {
            PathBuf::new()
        } else {
            match self.caller.path(address) {
                Ok(text) => text,
                Err(error) => {
                    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
                    return match errno {
                        Some(Errno::PERM) => Err(self.refuse_hidden()),
                        Some(Errno::NAMETOOLONG) => Ok(Named::Nothing(Errno::NAMETOOLONG)),
                        _ => Ok(Named::Nothing(Errno::FAULT)),
                    };
                }
            }
        };
        if text.as_os_str().is_empty() {
            return Ok(match directory {
                Some(number) => Named::Descriptor(number),
                None if address == 0 => Named::Nothing(Errno::FAULT),
                None => Named::Nothing(Errno::NOENT),
            });
        }
        let Some(start) = self.start(&text, directory) else {
            if self.caller.hides() {
                return Err(self.refuse_hidden());
            }
            return Ok(Named::Nothing(self.caller.no_start(directory)));
        };
        let follow = path.follow.follows(&self.parked.arguments, flags.unwrap_or(0));
        let walk = self.ward.walk(self.caller, &start, &text, follow);
        if let End::Nowhere(errno) = walk.end {
            return Ok(Named::Nothing(errno));
        }
        let file = JailPath::resolve(&start, &text).ok();
        Ok(Named::Place(Box::new(Place { file, walk, instead: false })))
    }

    fn start(&self, text: &Path, directory: Option<u64>) -> Option<JailPath> {
        self.caller.start(text, directory)
    }

    /// An empty path: the file behind the descriptor itself.
    fn empty_path(&self, call: &PathCall, number: u64) -> Answer {
        match call.operation {
            // Governed by what Landlock says about the file, or refused by the kernel.
            "execute" | "open" | "link" | "rename" | "mkdir" | "mknod" | "symlink" | "unlink"
            | "rmdir" => Answer::Resume,
            operation => self.change_descriptor(operation, number),
        }
    }

    /// Opening `/proc/self/fd/N`. A file of a tree is one like any other, and its name is returned.
    /// What was handed in has no name in the jail, so the caller gets what it has already.
    fn reopened(&self, number: i32, flags: u64) -> Result<JailPath, Answer> {
        let named = self.caller.descriptor(number).and_then(|target| file_path(&target));
        if let Some(path) = named
            && self.ward.plan.trees.containing(&path).is_some()
        {
            return Ok(path);
        }
        if flags & O_PATH != 0 {
            return Err(Answer::Resume);
        }
        let writes = filter::has_write_intent(flags);
        if !writes && !self.is_terminal(number) {
            // Landlock lets the jail read again what it was handed for reading.
            return Err(Answer::Resume);
        }
        let Some(fd) = self.duplicate(number) else {
            return Err(Answer::Refuse(Errno::ACCESS));
        };
        use rustix::fs::OFlags;
        let open = rustix::fs::fcntl_getfl(&fd).unwrap_or(OFlags::empty());
        let writable = open.intersects(OFlags::WRONLY | OFlags::RDWR);
        let close_on_exec = filter::closes_on_exec(flags);
        Err(if writable || !writes {
            Answer::Descriptor { fd, close_on_exec }
        } else {
            Answer::Refuse(Errno::ACCESS)
        })
    }

    fn is_terminal(&self, number: i32) -> bool {
        use rustix::fs::FileType;
        self.caller
            .stat_descriptor(number)
            .is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice)
    }

    /// The flags in the structure that `openat2` takes.
    fn how(&self, address: u64) -> Option<u64> {
        let bytes = self.caller.bytes(address, 8).ok()?;
        Some(u64::from_ne_bytes(bytes.as_slice().try_into().ok()?))
    }

    /// The permissions that a call gives a file that it creates.
    fn mode_argument(&self, call: &PathCall) -> u64 {
        match call.intent {
            Intent::OpenFlags { argument } => self.argument(argument + 1),
            _ if self.call.name() == "creat" => self.argument(1),
            _ => 0,
        }
    }

    /// Refuses a call whose target cannot be followed.
    pub(super) fn refuse_this(&self) -> Answer {
        refuse_call(self.ward, self.caller, self.call.name().to_owned())
    }
}

/// The flags of `open` that `creat` stands for.
const CREAT_FLAGS: u64 = 0o1 | 0o100 | 0o1000;
const O_TRUNC: u64 = 0o1000;
const O_ACCESS: u64 = 0o3;
pub(super) const O_PATH: u64 = 0o10_000_000;

/// Tells whether Landlock gives the same answer to an operation, whatever the memory says.
fn is_governed(operation: &str, abi: u32) -> bool {
    match operation {
        "chmod" | "chown" | "utime" | "setxattr" | "removexattr" | "setattr" => false,
        "truncate" => abi >= 3,
        _ => true,
    }
}

/// Tells whether a call makes a name or fails, and never opens what is there.
fn is_exclusive(call: &PathCall, flags: Option<u64>) -> bool {
    match flags {
        Some(flags) => filter::is_exclusive(flags),
        None => matches!(call.operation, "mkdir" | "mknod" | "symlink" | "link"),
    }
}
