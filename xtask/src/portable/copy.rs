//! The portable part as a workspace of its own.
//!
//! What stands behind the feature `full` is not copied: every module that is declared so, and the
//! crates that belong to it. It is read from the declarations themselves, so that a new module of
//! the engine leaves the tree without anybody thinking of it.

use super::beneath;
use crate::workspace;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use toml_edit::{Array, DocumentMut};

/// The crates of the portable part.
const CRATES: [&str; 4] = ["jailkeeper-model", "jailkeeper-trace", "jailkeeper", "jailkeeper-cli"];
/// What their tests read besides.
const BESIDES: [&str; 6] =
    ["schemas", "docs", "Cargo.lock", "rust-toolchain.toml", "clippy.toml", ".config"];
/// What a crate has that is for Linux alone.
const LINUX: [&str; 3] = ["jailkeeper-sys", "jailkeeper-testkit", "syscalls"];

/// Copies the portable part into a folder, and returns what was left out.
///
/// Files that are there and the same stay as they are, so that cargo does not build them again.
pub(super) fn copy(tree: &Path) -> Result<Vec<PathBuf>> {
    let root = workspace::root();
    let mut left_out = BTreeSet::new();
    let mut kept = BTreeSet::new();
    for name in CRATES {
        let folder = root.join("crates").join(name);
        left_out.extend(behind_the_feature(&folder.join("src"))?);
        left_out.extend(tests_behind_the_feature(&folder)?);
    }
    for name in BESIDES.into_iter().map(PathBuf::from).chain(CRATES.map(crate_folder)) {
        copy_below(&root.join(&name), tree, &left_out, &mut kept)?;
    }
    write(&tree.join("Cargo.toml"), manifest_of_workspace(root)?.as_bytes(), &mut kept)?;
    for name in CRATES {
        let manifest = crate_folder(name).join("Cargo.toml");
        let text = manifest_of_crate(&root.join(&manifest))?;
        write(&tree.join(manifest), text.as_bytes(), &mut kept)?;
    }
    remove_all_but(tree, &kept)?;
    let gone = LINUX.iter().map(crate_folder).filter(|folder| root.join(folder).is_dir());
    Ok(gone.chain(left_out.iter().map(|path| beneath(path, root).to_owned())).collect())
}

fn crate_folder(name: impl AsRef<Path>) -> PathBuf {
    Path::new("crates").join(name)
}

/// Finds the files and folders of modules that are declared behind the feature.
fn behind_the_feature(source: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for file in files(source)? {
        if file.extension().is_none_or(|end| end != "rs") {
            continue;
        }
        let text = read(&file)?;
        // Modules of `x.rs` are in `x/`; those of `mod.rs`, `lib.rs` and `main.rs` beside it.
        let named = file
            .file_stem()
            .is_some_and(|stem| !["mod", "lib", "main"].iter().any(|plain| stem == *plain));
        let folder = if named { file.with_extension("") } else { file.with_file_name("") };
        for module in gated(&text) {
            let candidates = [folder.join(format!("{module}.rs")), folder.join(module)];
            found.extend(candidates.into_iter().filter(|path| path.exists()));
        }
    }
    Ok(found)
}

/// The names of modules that a file declares behind the feature.
fn gated(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pairs = lines.windows(2).filter_map(|pair| {
        let [attribute, declaration] = pair else { return None };
        let is_gate = attribute.starts_with("#[cfg(")
            && attribute.contains("feature = \"full\"")
            && !attribute.contains("not(");
        let words = declaration.strip_suffix(';')?;
        let name = words.strip_prefix("pub ").or(words.strip_prefix("pub(crate) "));
        let name = name.unwrap_or(words).strip_prefix("mod ")?;
        is_gate.then_some(name)
    });
    pairs.collect()
}

/// Finds the tests that a manifest gives the feature as a need.
fn tests_behind_the_feature(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let manifest: DocumentMut = read(&folder.join("Cargo.toml"))?.parse()?;
    let tests = manifest.get("test").and_then(|tests| tests.as_array_of_tables());
    let found = tests.into_iter().flatten().filter(|test| is_gated(test)).filter_map(|test| {
        Some(folder.join("tests").join(format!("{}.rs", test.get("name")?.as_str()?)))
    });
    Ok(found.collect())
}

fn is_gated(test: &toml_edit::Table) -> bool {
    let needs = test.get("required-features").and_then(|needs| needs.as_array());
    needs.is_some_and(|needs| needs.iter().any(|need| need.as_str() == Some("full")))
}

fn manifest_of_workspace(root: &Path) -> Result<String> {
    let mut manifest: DocumentMut = read(&root.join("Cargo.toml"))?.parse()?;
    let members: Array = CRATES.iter().map(|name| format!("crates/{name}")).collect();
    if let Some(workspace) = manifest.get_mut("workspace").and_then(|item| item.as_table_mut()) {
        workspace.insert("members", toml_edit::value(members));
        workspace.remove("default-members");
        workspace.remove("exclude");
        if let Some(ours) = workspace.get_mut("dependencies").and_then(|item| item.as_table_mut()) {
            LINUX.iter().for_each(|name| drop(ours.remove(name)));
        }
    }
    Ok(manifest.to_string())
}

/// A crate's manifest without the crates of Linux, and with a feature `full` that has nothing.
fn manifest_of_crate(path: &Path) -> Result<String> {
    let mut manifest: DocumentMut = read(path)?.parse()?;
    for table in ["dependencies", "dev-dependencies"] {
        if let Some(table) = manifest.get_mut(table).and_then(|item| item.as_table_mut()) {
            LINUX.iter().for_each(|name| drop(table.remove(name)));
        }
    }
    if let Some(features) = manifest.get_mut("features").and_then(|item| item.as_table_mut()) {
        for name in ["default", "full"] {
            features.insert(name, toml_edit::value(Array::new()));
        }
    }
    if let Some(tests) = manifest.get_mut("test").and_then(|item| item.as_array_of_tables_mut()) {
        tests.retain(|test| !is_gated(test));
    }
    Ok(manifest.to_string())
}

/// Copies a file, or all files below a folder, but what is left out.
fn copy_below(
    from: &Path,
    tree: &Path,
    left_out: &BTreeSet<PathBuf>,
    kept: &mut BTreeSet<PathBuf>,
) -> Result<()> {
    let all = if from.is_dir() { files(from)? } else { vec![from.to_owned()] };
    for file in all.iter().filter(|file| !file.ancestors().any(|above| left_out.contains(above))) {
        let bytes = std::fs::read(file).with_context(|| failed("read", file))?;
        let target = tree.join(beneath(file, workspace::root()));
        if target.file_name().is_none_or(|name| name != "Cargo.toml") {
            write(&target, &bytes, kept)?;
        }
    }
    Ok(())
}

/// All files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| failed("list", folder))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

/// Writes a file unless it is there with these bytes.
fn write(path: &Path, bytes: &[u8], kept: &mut BTreeSet<PathBuf>) -> Result<()> {
    if std::fs::read(path).ok().as_deref() != Some(bytes) {
        let folder = path.parent().unwrap_or(path);
        std::fs::create_dir_all(folder).with_context(|| failed("make", folder))?;
        std::fs::write(path, bytes).with_context(|| failed("write", path))?;
    }
    kept.insert(path.to_owned());
    Ok(())
}

/// Removes what an earlier copy left.
fn remove_all_but(tree: &Path, kept: &BTreeSet<PathBuf>) -> Result<()> {
    for file in files(tree)?.iter().filter(|file| !kept.contains(*file)) {
        // Cargo takes out of it what the copy does not need.
        std::fs::remove_file(file).with_context(|| failed("remove", file))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| failed("read", path))
}

fn failed(what: &str, path: &Path) -> String {
    format!("failed to {what} `{}`", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_declared_behind_the_feature_is_found() {
        let text = "mod a;\n#[cfg(feature = \"full\")]\nmod b;\n#[cfg(not(feature = \"full\"))]\nmod c;\n\
                    #[cfg(all(feature = \"full\", target_os = \"linux\"))]\npub(crate) mod d;\n\
                    #[cfg(feature = \"full\")]\npub use e::F;\n";
        assert_eq!(gated(text), ["b", "d"]);
    }

    #[test]
    fn the_engine_leaves_the_tree_and_the_watch_stays() {
        let source = workspace::root().join("crates/jailkeeper/src");
        let gone = behind_the_feature(&source).unwrap();
        for name in ["walls", "watch", "plan", "launch", "supervisor.rs", "probe.rs"] {
            assert!(gone.contains(&source.join(name)), "{name} stays: {gone:?}");
        }
        assert!(gone.contains(&source.join("monitor/ptrace.rs")));
        assert!(!gone.contains(&source.join("monitor")) && !gone.contains(&source.join("jail.rs")));
    }

    #[test]
    fn manifests_know_nothing_of_linux() {
        let root = workspace::root();
        let texts = CRATES.map(|name| {
            manifest_of_crate(&root.join(crate_folder(name)).join("Cargo.toml")).unwrap()
        });
        for text in texts.into_iter().chain([manifest_of_workspace(root).unwrap()]) {
            assert!(LINUX.iter().all(|name| !text.contains(name)), "{text}");
        }
    }
}
