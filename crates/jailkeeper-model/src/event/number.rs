//! Numbers that JSON can hold.

use serde::{Serializer, ser::Error};

/// Writes a number that is finite: serde would write `null` for others, which no reader expects.
pub(super) fn finite<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.is_finite() {
        serializer.serialize_f64(*number)
    } else {
        Err(S::Error::custom(format_args!("{number} is no number that JSON has")))
    }
}
