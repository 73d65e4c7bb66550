//! The sections of the README and of SPECIFICATION.md that are made of the results.

use super::results::Results;
use super::{readme, save, specification, tables};
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::fs;

const BEGIN: &str =
    "<!-- made by `cargo xtask bench` from docs/benchmarks/results.json: begin -->\n";
const END: &str = "<!-- end -->\n";

/// Makes a section.
type Section = fn(&Results) -> String;

/// The documents, each with what makes its section.
const DOCUMENTS: [(&str, Section); 2] =
    [("README.md", readme::section), ("SPECIFICATION.md", specification::section)];

/// Writes the sections.
pub(super) fn write(results: &Results) -> Result<()> {
    for (name, section) in DOCUMENTS {
        let file = workspace::root().join(name);
        let text = fs::read_to_string(&file).with_context(|| format!("failed to read `{name}`"))?;
        let new = renewed(&text, &section(results)).with_context(|| format!("in `{name}`"))?;
        fs::write(file, new).with_context(|| format!("failed to write `{name}`"))?;
    }
    Ok(())
}

/// Fails if a section is not what the results say.
pub(crate) fn check() -> Result<()> {
    let directory = workspace::root().join("docs/benchmarks");
    let results = save::read(&directory)?;
    for (name, section) in DOCUMENTS {
        let text = fs::read_to_string(workspace::root().join(name))?;
        if renewed(&text, &section(&results))? != text {
            bail!("the numbers in {name} are not what results.json says");
        }
    }
    if tables::page(&results) != fs::read_to_string(directory.join("results.md"))? {
        bail!("results.md is not what results.json says");
    }
    Ok(())
}

/// A whole document with today's section.
fn renewed(document: &str, section: &str) -> Result<String> {
    let (before, rest) = document.split_once(BEGIN).context("there is no section for numbers")?;
    let (_, after) = rest.split_once(END).context("the section for numbers has no end")?;
    Ok(format!("{before}{BEGIN}{section}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_the_section_stays() {
        let document = format!("before\n{BEGIN}old\n{END}after\n");
        let new = renewed(&document, "new\n").expect("there is a section");
        assert_eq!(new, format!("before\n{BEGIN}new\n{END}after\n"));
        assert!(renewed("no section", "new\n").is_err());
    }

    #[test]
    fn every_document_has_its_section() {
        for (name, _) in DOCUMENTS {
            let text = fs::read_to_string(workspace::root().join(name)).expect("it is there");
            assert!(renewed(&text, "").is_ok(), "{name}");
        }
    }
}
