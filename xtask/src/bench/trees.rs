//! The work trees: what the workloads read, built the same way every time.

use super::stage::Stage;
use crate::{command, workspace};
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

/// Makes a tree, once for each contestant.
pub(super) fn make(stage: &Stage, name: &str, contestants: &[&str]) -> Result<()> {
    let Some((first, others)) = contestants.split_first() else { return Ok(()) };
    let tree = stage.tree(first, name);
    fs::create_dir_all(&tree).with_context(|| format!("failed to make `{}`", tree.display()))?;
    match name {
        "plain" => fs::write(tree.join("inside"), "inside\n")?,
        "storm" | "death" => {
            fs::copy(stage.program("storm"), tree.join("storm"))?;
            fs::write(tree.join("file"), "text\n")?;
            fs::write(tree.join("block"), vec![7; 1 << 20])?;
        }
        "paper" => fs::write(tree.join("paper.tex"), paper())?,
        "thesis" => thesis(&tree)?,
        "build" => build(&tree)?,
        "repository" => repository(&tree)?,
        "forest" => forest(&tree)?,
        "npm" => packages(&tree)?,
        _ => {}
    }
    for other in others {
        fs::create_dir_all(stage.tree(other, ""))?;
        let mut copy = workspace::command("cp");
        // What is only read may be the same file.
        copy.arg(if name == "forest" { "-al" } else { "-a" });
        command::run(copy.arg(&tree).arg(stage.tree(other, name)))?;
    }
    Ok(())
}

/// A root with the system's links, and something to mount everything else upon.
pub(super) fn skeleton(root: &Path, base: &Path) -> Result<()> {
    let folders = ["usr", "etc/alternatives", "etc/texmf", "etc/java-17-openjdk", "var/lib/texmf"];
    let others = ["proc", "dev", "tmp"];
    for folder in folders.into_iter().chain(others) {
        fs::create_dir_all(root.join(folder))?;
    }
    for file in ["etc/ld.so.cache", "etc/localtime"] {
        fs::write(root.join(file), "")?;
    }
    links(root)?;
    let base = base.strip_prefix("/").context("the stage has an absolute path")?;
    fs::create_dir_all(root.join(base)).context("failed to make a skeleton of a root")
}

/// The system's links, such as `/bin`.
pub(super) fn links(root: &Path) -> Result<()> {
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        if let Ok(target) = fs::read_link(Path::new("/").join(name)) {
            std::os::unix::fs::symlink(target, root.join(name))?;
        }
    }
    Ok(())
}

/// A document with contents, chapters, references to each other and to books.
fn thesis(tree: &Path) -> Result<()> {
    let mut text = String::from(
        "\\documentclass[11pt]{report}\n\\title{A thesis}\n\\author{A benchmark}\n\\date{}\n\
         \\begin{document}\n\\maketitle\n\\tableofcontents\n\\listoftables\n",
    );
    let mut books = String::new();
    for chapter in 1..=8 {
        let _ = writeln!(text, "\\chapter{{Chapter {chapter}}}\\label{{chapter{chapter}}}");
        for section in 1..=4 {
            let _ = writeln!(
                text,
                "\\section{{Section {section}}}\nAs chapter \\ref{{chapter{section}}} and \
                 \\cite{{book{chapter}}} say: {}\n\
                 \\begin{{table}}\\caption{{Table {section}}}\\begin{{tabular}}{{ll}}a & b\\\\c & d\
                 \\end{{tabular}}\\end{{table}}\n",
                "no program that runs here may read what it was not given. ".repeat(30),
            );
        }
        let _ = writeln!(
            books,
            "@book{{book{chapter}, title={{Book {chapter}}}, author={{Author, An}}, year={{2026}}, \
             publisher={{Nobody}}}}"
        );
    }
    text.push_str("\\bibliographystyle{plain}\n\\bibliography{books}\n\\end{document}\n");
    fs::write(tree.join("thesis.tex"), text)?;
    fs::write(tree.join("books.bib"), books).context("failed to write a thesis")
}

/// 50,000 small files.
fn forest(tree: &Path) -> Result<()> {
    for directory in 0..500 {
        let path = tree.join(format!("directory{directory:03}"));
        fs::create_dir(&path)?;
        for file in 0..100 {
            fs::write(path.join(format!("file{file:02}.txt")), format!("{directory} {file}\n"))?;
        }
    }
    Ok(())
}

/// Twenty packages as archives, and one that needs them all.
fn packages(tree: &Path) -> Result<()> {
    let mut needed = serde_json::Map::new();
    for number in 0..20 {
        let name = format!("bench-part-{number}");
        let package = tree.join("packing/package");
        fs::create_dir_all(package.join("lib"))?;
        let about = serde_json::json!({ "name": name, "version": "1.0.0", "main": "lib/0.js" });
        fs::write(package.join("package.json"), about.to_string())?;
        for file in 0..40 {
            let code = format!("module.exports = {file};\n").repeat(20);
            fs::write(package.join(format!("lib/{file}.js")), code)?;
        }
        let mut tar = workspace::command("tar");
        tar.arg("-czf").arg(tree.join(format!("{name}.tgz"))).arg("-C").arg(tree.join("packing"));
        command::run(tar.arg("package"))?;
        fs::remove_dir_all(tree.join("packing"))?;
        needed.insert(name.clone(), format!("file:{name}.tgz").into());
    }
    let about = serde_json::json!({ "name": "bench", "private": true, "dependencies": needed });
    fs::write(tree.join("package.json"), about.to_string()).context("failed to write a package")
}

/// A paper of ten pages: text, headings and formulas.
fn paper() -> String {
    let mut text = String::from(
        "\\documentclass[11pt]{article}\n\\title{Ten pages}\n\\author{A benchmark}\n\\date{}\n\
         \\begin{document}\n\\maketitle\n\\tableofcontents\n",
    );
    for section in 1..=10 {
        let _ = writeln!(text, "\\newpage\n\\section{{Part {section}}}\\label{{part{section}}}");
        for paragraph in 1..=6 {
            let _ = writeln!(
                text,
                "Paragraph {paragraph} of part \\ref{{part{section}}} says: {}\n\
                 \\[ \\sum_{{k=1}}^{{{paragraph}}} \\frac{{k^{section}}}{{k+1}} = \
                 \\int_0^1 x^{{{section}}} \\, dx \\]\n",
                "no program that runs here may read what it was not given. ".repeat(4),
            );
        }
    }
    text.push_str("\\end{document}\n");
    text
}

/// Thirty C files and their Makefile.
fn build(tree: &Path) -> Result<()> {
    let mut objects = String::new();
    for index in 0..30 {
        let code = format!(
            "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\
             int part{index}(int n) {{ char text[64]; int sum = 0;\n\
             for (int i = 0; i < n; i++) {{ snprintf(text, sizeof text, \"%d\", i * {index});\n\
             sum += (int)strlen(text) + abs(atoi(text)); }} return sum; }}\n"
        );
        fs::write(tree.join(format!("part{index}.c")), code)?;
        let _ = write!(objects, " part{index}.o");
    }
    let calls: String = (0..30).map(|index| format!(" + part{index}(argc)")).collect();
    let declarations: String = (0..30).map(|index| format!("int part{index}(int);\n")).collect();
    let code =
        format!("{declarations}int main(int argc, char **argv) {{ return (0{calls}) > 1; }}\n");
    fs::write(tree.join("main.c"), code)?;
    let rules =
        format!("program: main.o{objects}\n\tgcc -o $@ $^\n%.o: %.c\n\tgcc -O1 -c -o $@ $<\n");
    fs::write(tree.join("Makefile"), rules)?;
    Ok(())
}

/// Lets git, as the owner and without a jail, note the files as they are now: the first look at a
/// copy reads them all, every later one only looks at them.
pub(super) fn refresh(repository: &Path) -> Result<()> {
    let owner = fs::metadata(repository).context("failed to look at a repository")?;
    let mut git = workspace::command("git");
    git.args(["status", "--porcelain"]).current_dir(repository).uid(owner.uid()).gid(owner.gid());
    let settings = [("GIT_CONFIG_GLOBAL", "/dev/null"), ("HOME", "/")];
    command::output(git.envs(settings)).map(|_| ())
}

/// A repository of 20,000 files, all of them committed.
fn repository(tree: &Path) -> Result<()> {
    for directory in 0..200 {
        let path = tree.join(format!("directory{directory:03}"));
        fs::create_dir(&path)?;
        for file in 0..100 {
            fs::write(path.join(format!("file{file:02}.txt")), format!("{directory} {file}\n"))?;
        }
    }
    for arguments in
        [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "--message=all"]]
    {
        let mut git = workspace::command("git");
        git.current_dir(tree).env("GIT_CONFIG_GLOBAL", "/dev/null").args([
            "-c",
            "user.name=bench",
            "-c",
            "user.email=bench@localhost",
            "-c",
            "gc.auto=0",
        ]);
        command::run(git.args(arguments))?;
    }
    Ok(())
}
