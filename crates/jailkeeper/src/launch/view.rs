//! The steps that make the view: cloning trees, attaching them, sealing `/proc`.

use super::{ATTACH_POINT, Workshop, c_string, relative};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{COVERS, Cover, Plan, Source, Tree, Width};
use crate::walls::idmap;
use jailkeeper_model::{JailPath, Right};
use jailkeeper_sys::child::{MountOption, Slot, Step, TreeSource};
use jailkeeper_sys::mount::Attributes;
use rustix::process::{Resource, getrlimit};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};

/// Parts of `/proc` that belong to the system: a user that is root on the host could write them
/// even without capabilities.
const SYSTEM_PARTS: [&str; 3] = ["sys", "irq", "bus"];

/// What lies on the way to programs, their loader and its libraries, and what the loader looks for.
const ASKED_FOR: [&str; 4] = ["/bin", "/lib", "/lib64", "/etc/ld.so.preload"];

/// The steps for all trees.
#[derive(Default)]
pub(super) struct Mounts {
    /// In the builder, before the view exists.
    pub(super) clone_steps: Vec<Step>,
    /// In the builder, as the jail's user, in an empty directory.
    pub(super) overlay_steps: Vec<Step>,
    /// In the init, with the view as working directory.
    pub(super) attach_steps: Vec<Step>,
    /// The trees that the builder takes from the supervisor.
    pub(super) given: Vec<JailPath>,
    /// How many mapped mounts are held, and may be before files are given one by one.
    held: u64,
    room: u64,
    /// On which mounts the ids of files could be mapped, of which owners.
    mappable: BTreeSet<(u64, (u32, u32))>,
}

/// Prepares the steps for every tree of the plan.
pub(super) fn mounts(plan: &Plan, workshop: &mut Workshop, root: Slot) -> Result<Mounts> {
    let limit = getrlimit(Resource::Nofile).current;
    let mut mounts = Mounts { room: limit.unwrap_or(u64::MAX) / 8, ..Mounts::default() };
    let mut overlays = 0;
    let mut covers = plan.trees.covers.iter().enumerate().peekable();
    for tree in plan.trees.iter() {
        // What is mounted comes after what it is mounted on.
        while let Some((index, above)) = covers.next_if(|(_, cover)| cover.at < tree.path) {
            mounts.attach_steps.extend(cover(index, above, workshop, root)?);
        }
        let slot = place(plan, tree, workshop, &mut mounts)?;
        let steps = &mut mounts.attach_steps;
        let to = relative(tree.path.as_path())?;
        let around = plan.trees.around(&tree.path);
        if let Some(around) = around.filter(|around| matches!(around.source, Source::Memory)) {
            steps.extend(stand_in(around, tree)?);
        }
        let slot = if tree.width == Width::Overlay {
            let layered = workshop.slots.empty();
            mounts.overlay_steps.extend(overlay(slot, overlays, layered)?);
            overlays += 1;
            layered
        } else {
            slot
        };
        let steps = &mut mounts.attach_steps;
        let (filesystem, options, attributes) = match tree.source {
            Source::Host { .. } => {
                steps.push(Step::Attach { mount: slot, to });
                continue;
            }
            Source::Memory => (c"tmpfs", memory_options(), no_devices()),
            Source::Processes => (c"proc", Vec::new(), no_devices().and(Attributes::NO_EXECUTE)),
            Source::Terminals => {
                let attributes = Attributes::NO_SETUID.and(Attributes::NO_EXECUTE);
                (c"devpts", terminal_options(), attributes)
            }
        };
        let filesystem = filesystem.into();
        steps.push(Step::NewMount { filesystem, options, attributes, into: slot });
        if matches!(tree.source, Source::Memory) {
            steps.push(Step::SendFd(slot));
        }
        steps.push(Step::Attach { mount: slot, to });
        if matches!(tree.source, Source::Processes) {
            steps.push(Step::WriteFile(c"proc/sys/user/max_user_namespaces".into(), b"0".to_vec()));
            for part in SYSTEM_PARTS {
                steps.push(Step::SealReadOnly(c_string(OsStr::new(&format!("proc/{part}")))?));
            }
        }
    }
    for (index, above) in covers {
        mounts.attach_steps.extend(cover(index, above, workshop, root)?);
    }
    for (at, target) in plan.view.links() {
        let inside = plan.trees.containing(at);
        if inside.is_some_and(|tree| matches!(tree.source, Source::Memory)) {
            let steps = &mut mounts.attach_steps;
            if let (Some(tree), Some(parent)) = (inside, at.parent()) {
                steps.extend(folders(tree, &parent)?);
            }
            let target = c_string(target.as_os_str())?;
            steps.push(Step::MakeLink { target, at: relative(at.as_path())? });
        }
    }
    Ok(mounts)
}

/// Lists the directories of the view. The kernel learns all entries of a directory in one request
/// (`READDIRPLUS`) instead of asking for each name that a mount is attached at.
pub(super) fn listings(plan: &Plan) -> Result<Vec<Step>> {
    plan.view
        .crossroads()
        .map(|path| {
            let root = *path == JailPath::root();
            Ok(Step::List(if root { c".".into() } else { relative(path.as_path())? }))
        })
        .collect()
}

/// Looks up what every program asks the view for when it is executed. While the jail is raised that
/// is a turn on one processor, later it would be a wake-up on another.
pub(super) fn look_ups(plan: &Plan) -> Result<Vec<Step>> {
    let asked_for = ASKED_FOR.into_iter().filter_map(|path| JailPath::new(path).ok());
    asked_for
        .filter(|path| plan.view.find(path).is_some())
        .map(|path| Ok(Step::LookUp(relative(path.as_path())?)))
        .collect()
}

/// Gives a tree its slot; one of the host gets it filled.
fn place(plan: &Plan, tree: &Tree, workshop: &mut Workshop, mounts: &mut Mounts) -> Result<Slot> {
    let Source::Host { fd, device, inode, owner } = &tree.source else {
        return Ok(workshop.slots.empty());
    };
    let attributes = attributes(tree);
    let identity = plan.identity;
    let named = tree.explicit || tree.width != Width::Policy;
    if identity.changed && named && *owner != (identity.user, identity.group) {
        // What goes for one file of a mount goes for all. Where there are many for this process's
        // limit, each is mapped when its turn comes, which takes a message, so that not all are held
        // at once.
        let many = !tree.directory && mounts.held >= mounts.room;
        let alike = if many { mount_of(fd).map(|mount| (mount, *owner)) } else { None };
        if alike.is_some_and(|alike| mounts.mappable.contains(&alike)) {
            let into = workshop.slots.empty();
            mounts.clone_steps.push(Step::TakeTree(into));
            mounts.given.push(tree.path.clone());
            return Ok(into);
        }
        match mapped(plan, tree) {
            Ok(mount) => {
                mounts.held += 1;
                mounts.mappable.extend(alike);
                return workshop.hold(mount);
            }
            // A tree that is only read may stay as it is: what its owner keeps to himself is
            // then closed to the jail, which is no less safe.
            Err(_) if tree.right == Right::Read || !tree.explicit => {}
            Err(error) => return Err(error.at(tree.path.as_path())),
        }
    }
    let into = workshop.slots.empty();
    let path = c_string(tree.path.as_path().as_os_str())?;
    let source = TreeSource::Path { path, device: *device, inode: *inode };
    mounts.clone_steps.push(Step::CloneTree { source, attributes, into });
    Ok(into)
}

/// Returns the number of the mount that a file is on.
fn mount_of(fd: &OwnedFd) -> Option<u64> {
    use rustix::fs::{AtFlags, StatxFlags};
    let stat = rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
    (stat.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(stat.stx_mnt_id)
}

/// Clones the mount of a tree of the host's with its owner and the jail's user exchanged.
pub(crate) fn mapped(plan: &Plan, tree: &Tree) -> Result<OwnedFd> {
    let Source::Host { fd, owner, .. } = &tree.source else {
        return Err(Error::new(ErrorKind::Setup, "map the ids of a tree that is not the host's"));
    };
    let jail = (plan.identity.user, plan.identity.group);
    idmap::clone_mapped(&plan.maps, fd.as_fd(), *owner, jail, attributes(tree))
}

/// Mounts a layer of memory over a tree. All its directories stand in the working directory.
fn overlay(lower: Slot, index: usize, into: Slot) -> Result<Vec<Step>> {
    let name = |part: &str| c_string(OsStr::new(&format!("{index}{part}")));
    let at = |part: &str| c_string(OsStr::new(&format!("{ATTACH_POINT}/{index}{part}")));
    let text = |key: &std::ffi::CStr, value| MountOption::Text(key.into(), value);
    Ok(vec![
        Step::MakeDirectory(name("")?, 0o755),
        Step::MakeDirectory(name("/lower")?, 0o755),
        Step::MakeDirectory(name("/upper")?, 0o755),
        Step::MakeDirectory(name("/work")?, 0o755),
        Step::Attach { mount: lower, to: name("/lower")? },
        Step::NewMount {
            filesystem: c"overlay".into(),
            options: vec![
                text(c"source", c"jailkeeper".into()),
                text(c"lowerdir", at("/lower")?),
                text(c"upperdir", at("/upper")?),
                text(c"workdir", at("/work")?),
                MountOption::Flag(c"userxattr".into()),
            ],
            attributes: no_devices(),
            into,
        },
    ])
}

fn attributes(tree: &Tree) -> Attributes {
    let device = tree.path.as_path().starts_with("/dev");
    let base =
        if device { Attributes::NO_SETUID.and(Attributes::NO_EXECUTE) } else { no_devices() };
    if tree.right == Right::Write { base } else { base.and(Attributes::READ_ONLY) }
}

fn no_devices() -> Attributes {
    Attributes::NO_SETUID.and(Attributes::NO_DEVICES)
}

fn memory_options() -> Vec<MountOption> {
    vec![
        MountOption::Text(c"source".into(), c"jailkeeper".into()),
        MountOption::Text(c"mode".into(), c"1777".into()),
    ]
}

fn terminal_options() -> Vec<MountOption> {
    vec![
        MountOption::Flag(c"newinstance".into()),
        MountOption::Text(c"ptmxmode".into(), c"0666".into()),
        MountOption::Text(c"mode".into(), c"0620".into()),
    ]
}

/// Makes what a tree is mounted on, inside an empty file system.
fn stand_in(around: &Tree, tree: &Tree) -> Result<Vec<Step>> {
    let mut steps = match tree.path.parent() {
        Some(parent) => folders(around, &parent)?,
        None => Vec::new(),
    };
    let path = relative(tree.path.as_path())?;
    steps.push(if tree.directory {
        Step::MakeDirectory(path, 0o755)
    } else {
        Step::MakeFile(path)
    });
    Ok(steps)
}

/// Makes the directories from a tree's root down to a path inside it.
fn folders(tree: &Tree, path: &JailPath) -> Result<Vec<Step>> {
    let mut missing: Vec<_> =
        path.ancestors().take_while(|ancestor| *ancestor != tree.path).collect();
    missing.reverse();
    missing
        .iter()
        .map(|folder| Ok(Step::MakeDirectory(relative(folder.as_path())?, 0o755)))
        .collect()
}

/// Mounts what covers a name inside an allowed tree: a clone of the place where it stands in the
/// view.
fn cover(index: usize, cover: &Cover, workshop: &mut Workshop, root: Slot) -> Result<[Step; 2]> {
    let slot = workshop.slots.empty();
    let path = c_string(OsStr::new(&format!("{COVERS}/{index}")))?;
    let source = TreeSource::Below { mount: root, path };
    Ok([
        Step::CloneTree { source, attributes: no_devices(), into: slot },
        Step::Attach { mount: slot, to: relative(cover.at.as_path())? },
    ])
}
