//! Serving the view, and seeing who asks for more.
//!
//! One thread reads requests until the jail's mount is gone. It may wait for the host: whether an
//! outside name exists is asked with `statx(2)`, which can hang on a dead network mount. Then
//! only callers that ask for outside names wait, as they would outside; limits, signals and the
//! kill are on other threads, and allowed work never comes here.

use super::protocol::{Attributes, Body, Header, Kind, REQUEST_MAX, Request, answer, parse};
use crate::launch::CANARY;
use crate::plan::{COVERS, Node, NodeId};
use crate::walls::filter::{self, Call, Intent, PathCall, SocketCall, Treatment};
use crate::ward::{Attempt, CANARY_TRIPWIRE, Phase, Ward, is_directory, presence};
use crate::watch::caller::{Caller, Parked, ParkedCall};
use crate::watch::socket::{self, Address};
use crate::watch::walk::End;
use jailkeeper_model::{Access, Class, JailPath, Mode, Presence, Refusal, Verdict, decide};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

const ENOENT: i32 = 2;
const EACCES: i32 = 13;
const ENOTTY: i32 = 25;
const EOPNOTSUPP: i32 = 95;
const ENOSYS: i32 = 38;
const EINVAL: i32 = 22;
/// The canary's inode number: none of the view's.
const CANARY_NODE: u64 = 1 << 62;

type Reply = Result<Body, i32>;

/// Serves requests until the file system is gone.
pub(crate) fn serve(ward: &Arc<Ward>, device: OwnedFd) {
    let mut buffer = vec![0; REQUEST_MAX];
    let mut free = false;
    loop {
        let length = match rustix::io::read(&device, buffer.as_mut_slice()) {
            Ok(length) => length,
            // ENOENT: the request was interrupted before it was read.
            Err(Errno::INTR | Errno::AGAIN | Errno::NOENT) => continue,
            Err(_) => return,
        };
        let Some(bytes) = buffer.get(..length) else { continue };
        let Some((header, request)) = parse(bytes) else { continue };
        free = free || ward.run_everywhere();
        let _busy = ward.busy();
        let reply = match request {
            Request::Forget => continue,
            request => Server { ward, header }.answer(&request),
        };
        let bytes = answer(header.unique, reply.map(Body::bytes));
        // The caller may be gone already.
        let _ = rustix::io::write(&device, &bytes);
    }
}

struct Server<'a> {
    ward: &'a Ward,
    header: Header,
}

impl Server<'_> {
    fn answer(&self, request: &Request<'_>) -> Reply {
        let id = NodeId(self.header.node);
        if let Some(Node::Decoy { .. }) = self.ward.plan.view.node(id)
            && let Some(path) = self.ward.plan.view.path(id)
        {
            return self.decoy(request, id, path);
        }
        match request {
            Request::Init { minor, readahead, flags } => Ok(Body::init(*minor, *readahead, *flags)),
            Request::Lookup(name) => self.look_up(id, name),
            Request::GetAttributes => {
                Ok(Body::get_attributes(&self.attributes(id).ok_or(ENOENT)?, true))
            }
            Request::StatExtended => {
                Ok(Body::stat_extended(&self.attributes(id).ok_or(ENOENT)?, true))
            }
            Request::ReadLink => match self.ward.plan.view.node(id) {
                Some(Node::Link(target)) => Ok(Body::text(target.as_os_str())),
                _ => Err(EINVAL),
            },
            // Not needed: the kernel opens and caches directories by itself from then on.
            Request::OpenDirectory => Err(ENOSYS),
            Request::ReadDirectory { offset, size, plus } => {
                Ok(self.listing(id, *offset, *size, *plus))
            }
            Request::StatFileSystem => Ok(Body::file_system()),
            Request::Release | Request::Destroy => Ok(Body::default()),
            // Not supported: the kernel stops asking and lets everybody pass. With a decoy it must
            // go on asking, because that one says no.
            Request::Access if self.ward.plan.trees.covers.is_empty() => Err(ENOSYS),
            Request::Access => Ok(Body::default()),
            Request::ReadXattr => Err(EOPNOTSUPP),
            Request::Name { operation, name } => {
                let path = self.ward.plan.view.path(id).cloned().ok_or(ENOENT)?;
                let path = if name.is_empty() { Some(path) } else { path.join(name).ok() };
                self.changed(operation, &path.ok_or(ENOENT)?)
            }
            Request::Change { operation } => {
                let path = self.ward.plan.view.path(id).cloned().ok_or(ENOENT)?;
                self.changed(operation, &path)
            }
            // Only Landlock may refuse the canary: if the request comes here, it has not.
            Request::Open { .. } if id.0 == CANARY_NODE && self.ward.phase() == Phase::Canary => {
                Ok(Body::opened_file())
            }
            Request::Open { .. } => match self.ward.plan.view.node(id) {
                // Without a decoy the kernel may open these files by itself from now on, because
                // they never change. With one it must go on asking: a decoy's opening is news.
                Some(Node::Text(_)) if self.ward.plan.trees.covers.is_empty() => Err(ENOSYS),
                Some(Node::Text(_)) => Ok(Body::opened_file()),
                _ => Err(EACCES),
            },
            Request::Read { offset, size } => match self.ward.plan.view.node(id) {
                Some(Node::Text(text)) => Ok(Body::data(text.read(*offset, *size))),
                _ => Err(EACCES),
            },
            Request::Forget | Request::Other => Err(ENOTTY),
        }
    }

    fn look_up(&self, parent: NodeId, name: &OsStr) -> Reply {
        let view = &self.ward.plan.view;
        let phase = self.ward.phase();
        if parent == NodeId::ROOT && name == CANARY {
            return self.canary(phase);
        }
        let covers = view.child(NodeId::ROOT, OsStr::new(COVERS)) == Some(parent)
            || (parent == NodeId::ROOT && name == COVERS);
        if covers && phase != Phase::Building {
            return Err(ENOENT);
        }
        if let Some(id) = view.child(parent, name) {
            return match self.attributes(id) {
                Some(attributes) => Ok(Body::entry(&attributes, !covers)),
                None => Ok(Body::absent_forever()),
            };
        }
        let path = view.path(parent).and_then(|path| path.join(name).ok()).ok_or(ENOENT)?;
        if presence(&path) == Presence::Missing {
            return Err(ENOENT);
        }
        if phase != Phase::Sealed {
            return Err(EACCES);
        }
        self.outside(&path)
    }

    /// The jail's own proof: only in its phase is there something under the canary's name, so
    /// that the look-up succeeds and the next wall, Landlock, has to refuse.
    fn canary(&self, phase: Phase) -> Reply {
        if phase != Phase::Canary {
            return Err(ENOENT);
        }
        self.ward.saw_canary(CANARY_TRIPWIRE);
        let attributes = Attributes {
            node: CANARY_NODE,
            kind: Kind::File,
            size: 0,
            owner: self.owner(),
            modified: 0,
        };
        Ok(Body::entry(&attributes, false))
    }

    /// Somebody asks for a name outside that exists: the access.
    fn outside(&self, component: &JailPath) -> Reply {
        let Some(caller) = Caller::new(self.header.thread) else { return Err(EACCES) };
        if !self.ward.holds(caller) {
            // Nobody else can come here; whoever does gets nothing and harms nobody.
            return Err(EACCES);
        }
        self.judge(caller, component)
    }

    /// Judges what a caller does to a name that exists.
    fn judge(&self, caller: Caller, name: &JailPath) -> Reply {
        match caller.parked() {
            // There is nobody to answer, and nobody who could tell what was wanted.
            Parked::Gone => Err(EACCES),
            parked => Err(self.refusal(caller, &self.attempt(caller, parked.call(), name))),
        }
    }

    /// Judges an attempt and returns the errno that its caller gets.
    ///
    /// That the rest of a path is missing is the caller's own word, which another thread may have
    /// changed since the kernel read it. So it is counted like a probe, and never silent.
    fn refusal(&self, caller: Caller, attempt: &Attempt) -> i32 {
        match self.ward.judge(caller, attempt) {
            Verdict::Refuse(Refusal::Absent) => {
                self.ward.forgive(caller, attempt);
                ENOENT
            }
            Verdict::Jailbreak(_) if !attempt.is_probe() => EACCES,
            _ => ENOENT,
        }
    }

    /// Puts together what the caller is doing: the kernel's word for the first component outside
    /// and for the call, the caller's own word for the rest of the path.
    fn attempt(&self, caller: Caller, parked: Option<ParkedCall>, component: &JailPath) -> Attempt {
        let call = parked.as_ref().and_then(|parked| filter::call(parked.number));
        let path_call = call.and_then(|call| match &call.treatment {
            Treatment::Path(path_call) => Some(path_call),
            _ => None,
        });
        let said = parked.and_then(|parked| match &call?.treatment {
            Treatment::Path(path_call) => self.said(caller, &parked, path_call, component),
            Treatment::Socket(socket_call) => {
                self.said_of_socket(caller, &parked, socket_call, component)
            }
            _ => None,
        });
        let syscall = call.map_or_else(
            || parked.map_or_else(|| "unknown".to_owned(), |parked| parked.number.to_string()),
            |call| call.name().to_owned(),
        );
        let flags =
            parked.zip(path_call).and_then(|(parked, path_call)| open_flags(&parked, path_call));
        let (mut mode, class, operation) = match (path_call, call.map(|call| &call.treatment)) {
            (Some(path_call), _) => (path_call.mode, path_call.class, path_call.operation),
            (None, Some(Treatment::Socket(SocketCall::Bind))) => {
                (Mode::Bind, Class::Content, "bind")
            }
            (None, Some(Treatment::Socket(_))) => (Mode::Connect, Class::Content, "connect"),
            // A call that is in no table: its caller is refused and named as a reader.
            _ => (Mode::Read, Class::Content, "look up"),
        };
        if flags.is_some_and(filter::has_write_intent) {
            mode = Mode::Write;
        }
        let creates = flags.is_some_and(filter::creates)
            || path_call.is_some_and(|call| {
                call.intent == Intent::Writes && call.paths.iter().any(|path| path.creates)
            });
        let told = said.is_some();
        let (file, resolved) = match said {
            // Below what is no directory is nothing: the caller's word is of no use, or was
            // changed since the kernel read it.
            Some((_, resolved)) if resolved != *component && !is_directory(component) => {
                (component.clone(), component.clone())
            }
            Some(said) => said,
            None => (component.clone(), component.clone()),
        };
        let presence = presence(&resolved);
        // Opening a directory to read it is a listing, which only asks. Of a caller whose word does
        // not lead to the component nobody knows what it opens below.
        let asks =
            call.zip(parked).is_some_and(|(call, parked)| self.asks_to_read(caller, call, &parked));
        let class = if asks { Class::Content } else { class };
        let lists = told && mode == Mode::Read && flags.is_some() && is_directory(&resolved);
        let (class, operation) = if lists { (Class::Probe, "list") } else { (class, operation) };
        let access = match (class, mode) {
            (Class::Probe, _) => Access::probe(resolved, presence),
            (_, Mode::Write) if creates => Access::create(resolved),
            (_, Mode::Write) => Access::write(resolved, presence),
            (_, Mode::Execute) => Access::execute(resolved, presence),
            (_, Mode::Connect) => Access::connect_path(resolved, presence),
            (_, Mode::Bind) => Access::bind_path(resolved),
            _ => Access::read(resolved, presence),
        };
        Attempt {
            access,
            file: Some(file),
            operation,
            syscall,
            flags: flags.map(filter::open_flag_names).unwrap_or_default(),
            mode,
        }
    }

    /// Tells whether a question is the first half of reading: the base names the programs that
    /// never open what they were not told to be readable.
    fn asks_to_read(&self, caller: Caller, call: &Call, parked: &ParkedCall) -> bool {
        const READ: u64 = 4;
        let [_, second, third, ..] = parked.arguments;
        let wanted = match call.name() {
            "access" => second,
            "faccessat" | "faccessat2" => third,
            _ => return false,
        };
        let program = caller.link("exe");
        let name = program.as_deref().and_then(|program| program.file_name()?.to_str());
        wanted & READ != 0 && name.is_some_and(|name| self.ward.plan.asking.contains(name))
    }

    /// The path that the caller named, if it is one that leads to this component.
    fn said(
        &self,
        caller: Caller,
        parked: &ParkedCall,
        call: &PathCall,
        component: &JailPath,
    ) -> Option<(JailPath, JailPath)> {
        let argument = |index: u8| parked.arguments.get(usize::from(index)).copied();
        for path in call.paths {
            let Some(text) = argument(path.path).and_then(|address| caller.path(address).ok())
            else {
                continue;
            };
            let directory = path.directory.and_then(argument);
            let Some(start) = caller.start(&text, directory) else { continue };
            let follow =
                path.follow.follows(&parked.arguments, open_flags(parked, call).unwrap_or(0));
            let walk = self.ward.walk(caller, &start, &text, follow);
            let file = JailPath::resolve(&start, &text).ok()?;
            if walk.end == End::Outside(component.clone()) {
                return Some((file, walk.path));
            }
            // A script whose interpreter is outside: the caller's word names the script, which
            // is innocent; the kernel's word names the interpreter's first component.
            if call.mode == Mode::Execute {
                let interpreter = self.interpreter(&walk.path, component)?;
                return Some((interpreter.clone(), interpreter));
            }
        }
        None
    }

    /// The same for the name of a unix socket.
    fn said_of_socket(
        &self,
        caller: Caller,
        parked: &ParkedCall,
        call: &SocketCall,
        component: &JailPath,
    ) -> Option<(JailPath, JailPath)> {
        let start = caller.directory(None).unwrap_or_else(JailPath::root);
        let binds = *call == SocketCall::Bind;
        socket::addresses(caller, call, parked).into_iter().find_map(|address| {
            let Address::Path(text) = address else { return None };
            let walk = self.ward.walk(caller, &start, &text, !binds);
            let file = JailPath::resolve(&start, &text).ok()?;
            (walk.end == End::Outside(component.clone())).then_some((file, walk.path))
        })
    }

    /// The interpreter that a script names, if it lies below a component.
    fn interpreter(&self, script: &JailPath, component: &JailPath) -> Option<JailPath> {
        let text = self.first_line(script)?;
        let line = text.strip_prefix("#!")?.lines().next()?.trim_start();
        let path = JailPath::new(line.split_ascii_whitespace().next()?).ok()?;
        component.covers(&path).then_some(path)
    }

    /// The first bytes of a file in one of the host's trees, read without waiting.
    fn first_line(&self, path: &JailPath) -> Option<String> {
        use rustix::fs::{Mode as FileMode, OFlags, ResolveFlags};
        let (root, fd) = self.ward.tree_descriptor(path)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let inside: PathBuf = path.strip_prefix(root)?.into();
        let file = rustix::fs::openat2(fd, &inside, flags, FileMode::empty(), resolve).ok()?;
        let mut bytes = [0; 256];
        let count = rustix::io::read(&file, &mut bytes).ok()?;
        Some(String::from_utf8_lossy(bytes.get(..count)?).into_owned())
    }

    /// Somebody makes, removes or changes a name in a directory that only leads elsewhere.
    fn changed(&self, operation: &'static str, path: &JailPath) -> Reply {
        let Some(caller) = Caller::new(self.header.thread) else { return Err(EACCES) };
        if self.ward.phase() != Phase::Sealed || !self.ward.holds(caller) {
            return Err(EACCES);
        }
        let access = Access::create(path.clone());
        let _ = self.ward.judge(caller, &plain_attempt(caller, access, path, operation));
        Err(EACCES)
    }

    /// Somebody uses a name that a rule denies inside an allowed tree.
    ///
    /// The directory around it shows the name, so looking at it finds something: a file that nobody
    /// may open. A program that lists the directory and looks at each entry goes on; opening or
    /// running it is the access.
    fn decoy(&self, request: &Request<'_>, id: NodeId, path: &JailPath) -> Reply {
        let building = self.ward.phase() == Phase::Building;
        let caller = match request {
            Request::Forget | Request::Release | Request::Destroy => return Ok(Body::default()),
            Request::GetAttributes | Request::StatExtended if building => {
                return Ok(Body::get_attributes(&self.attributes(id).ok_or(ENOENT)?, false));
            }
            Request::Access => return Err(if self.is_shown(path) { EACCES } else { ENOENT }),
            _ => Caller::new(self.header.thread).ok_or(EACCES)?,
        };
        if building || !self.ward.holds(caller) {
            return Err(EACCES);
        }
        let (access, operation) = match request {
            // To run a file the kernel looks at its permissions first, and goes no further.
            Request::GetAttributes | Request::StatExtended if executes(caller) => {
                (Access::execute(path.clone(), Presence::Exists), "execute")
            }
            Request::GetAttributes | Request::StatExtended | Request::StatFileSystem => {
                (Access::probe(path.clone(), Presence::Exists), "stat")
            }
            Request::ReadXattr | Request::ReadLink => {
                (Access::probe(path.clone(), Presence::Exists), "getxattr")
            }
            Request::Change { operation } => {
                (Access::write(path.clone(), Presence::Exists), *operation)
            }
            Request::Name { operation, name } => {
                (Access::create(path.join(name).map_err(|_| ENOENT)?), *operation)
            }
            Request::Open { flags } if filter::has_write_intent(u64::from(*flags)) => {
                (Access::write(path.clone(), Presence::Exists), "open")
            }
            Request::Lookup(name) => {
                let below = path.join(name).map_err(|_| ENOENT)?;
                return match presence(&below) {
                    Presence::Missing => Err(ENOENT),
                    _ => self.judge(caller, &below),
                };
            }
            _ => (Access::read(path.clone(), Presence::Exists), "open"),
        };
        let attempt = plain_attempt(caller, access, path, operation);
        if attempt.is_probe() && self.is_shown(path) {
            let closed = self.attributes(id).ok_or(ENOENT)?;
            let shown = match request {
                Request::GetAttributes => Ok(Body::get_attributes(&closed, false)),
                Request::StatExtended => Ok(Body::stat_extended(&closed, false)),
                Request::StatFileSystem => Ok(Body::file_system()),
                _ => Err(EOPNOTSUPP),
            };
            self.ward.forgive(caller, &attempt);
            return shown;
        }
        Err(self.refusal(caller, &attempt))
    }

    /// Tells whether looking at a covered name is forgiven, and so finds what covers it. What is
    /// quiet is absent, and where looking is forbidden it is judged.
    fn is_shown(&self, path: &JailPath) -> bool {
        let look = Access::probe(path.clone(), Presence::Exists);
        decide(&self.ward.plan.policy, &look) == Verdict::Refuse(Refusal::Forgiven)
    }

    fn listing(&self, id: NodeId, offset: u64, size: usize, plus: bool) -> Body {
        let view = &self.ward.plan.view;
        let mut body = Body::default();
        let Some(own) = self.attributes(id) else { return body };
        let Some(Node::Route(children)) = view.node(id) else { return body };
        let dots = [(OsStr::new("."), own), (OsStr::new(".."), own)];
        let entries = children
            .iter()
            .filter(|(name, _)| *name != COVERS)
            .filter_map(|(name, id)| Some((name.as_os_str(), self.attributes(*id)?)));
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        for (number, (name, attributes)) in (1..).zip(dots.into_iter().chain(entries)).skip(skip) {
            if !body.listed(size, number, name, &attributes, plus) {
                break;
            }
        }
        body
    }

    /// What a node looks like; `None` for one that is answered as absent.
    fn attributes(&self, id: NodeId) -> Option<Attributes> {
        let (kind, size, modified) = match self.ward.plan.view.node(id)? {
            Node::Route(_) | Node::Place { directory: true } => (Kind::Directory, 0, 0),
            Node::Decoy { directory } => (Kind::Closed { directory: *directory }, 0, 0),
            Node::Place { directory: false } => (Kind::File, 0, 0),
            Node::Text(text) => (Kind::File, text.len(), text.modified()),
            Node::Link(target) => (Kind::Link, target.as_os_str().len() as u64, 0),
            Node::Hidden => return None,
        };
        Some(Attributes { node: id.0, kind, size, owner: self.owner(), modified })
    }

    fn owner(&self) -> (u32, u32) {
        (self.ward.plan.identity.user, self.ward.plan.identity.group)
    }
}

/// Tells whether a caller is running a file.
fn executes(caller: Caller) -> bool {
    let call = caller.parked().call().and_then(|parked| filter::call(parked.number));
    matches!(call.map(|call| &call.treatment), Some(Treatment::Path(path)) if path.mode == Mode::Execute)
}

/// An attempt of which the request itself says all: what is done, and to which node.
fn plain_attempt(
    caller: Caller,
    access: Access,
    file: &JailPath,
    operation: &'static str,
) -> Attempt {
    let call = caller.parked().call().and_then(|parked| filter::call(parked.number));
    Attempt {
        mode: access.mode(),
        access,
        file: Some(file.clone()),
        operation,
        syscall: call.map_or_else(|| "unknown".to_owned(), |call| call.name().to_owned()),
        flags: Vec::new(),
    }
}

/// The flags with which a file is opened, if they are in a register.
fn open_flags(parked: &ParkedCall, call: &PathCall) -> Option<u64> {
    match call.intent {
        Intent::OpenFlags { argument } => parked.arguments.get(usize::from(argument)).copied(),
        _ => None,
    }
}
