//! What is wrong with text that is no TOML.

use super::error::ProfileError;
use super::place::{Place, Source};
use std::sync::Arc;

/// Explains an error of the TOML parser.
pub(super) fn explain(source: &Arc<Source>, error: &toml::de::Error) -> ProfileError {
    let end = source.text().len();
    let place = Place::new(source, error.span().unwrap_or(end..end));
    // One line, whatever the parser says.
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    let error = ProfileError::new(place, message.clone());
    if message.starts_with("duplicate key") {
        return error
            .with_label("stands above already")
            .with_help("a list is written `key = [...]` once, or `[[key]]` for each entry");
    }
    error
}
