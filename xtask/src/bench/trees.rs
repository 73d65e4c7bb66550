//! The work trees: what the workloads read, built the same way every time.

use super::stage::Stage;
use crate::{command, workspace};
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Makes every tree, once for each contestant.
pub(super) fn make(stage: &Stage, contestants: &[&str]) -> Result<()> {
    let Some((first, others)) = contestants.split_first() else { return Ok(()) };
    let tree = |name: &str| stage.tree(first, name);
    for name in ["plain", "storm", "paper", "repository", "build", "death"] {
        fs::create_dir_all(tree(name))?;
    }
    for name in ["storm", "death"] {
        let to = tree(name).join("storm");
        fs::copy(stage.program("storm"), to).context("failed to copy the storm")?;
    }
    fs::write(tree("storm").join("file"), "text\n")?;
    fs::write(tree("paper").join("paper.tex"), paper())?;
    build(&tree("build"))?;
    repository(&tree("repository"))?;
    for other in others {
        let mut copy = workspace::command("cp");
        command::run(copy.arg("-a").arg(stage.tree(first, "")).arg(stage.tree(other, "")))?;
    }
    Ok(())
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
