//! Keeping results, and making the documents of them.

use super::options::Options;
use super::results::{Results, VERSION};
use super::{documents, draw, tables};
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::Path;

const FILE: &str = "results.json";

/// Reads what was measured.
pub(super) fn read(directory: &Path) -> Result<Results> {
    let file = directory.join(FILE);
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("failed to read `{}`", file.display()))?;
    let any: serde_json::Value =
        serde_json::from_str(&text).context("failed to read the results")?;
    if any.get("version").and_then(serde_json::Value::as_u64) != Some(VERSION.into()) {
        bail!("the results are of an older form: `cargo xtask bench` makes new ones");
    }
    serde_json::from_value(any).context("failed to read the results")
}

/// Writes what was measured so far, as a whole or not at all.
pub(super) fn keep(results: &Results, directory: &Path) -> Result<()> {
    let mut json = serde_json::to_string(results)?.replace("},{\"user\"", "},\n{\"user\"");
    json.push('\n');
    let new = directory.join("results.json.new");
    let write = || {
        let mut file = std::fs::File::create(&new)?;
        file.write_all(json.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, directory.join(FILE))
    };
    write().context("failed to write results.json")
}

/// Writes the tables and the charts; with the usual place also the documents' sections.
pub(super) fn render(results: &Results, options: &Options) -> Result<()> {
    std::fs::write(options.out.join("results.md"), tables::page(results))?;
    draw::all(results, &options.out)?;
    if options.is_usual() {
        documents::write(results)?;
    }
    Ok(())
}
