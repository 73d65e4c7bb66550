//! Times with their units.

use super::suggest::shown;
use std::time::Duration;

/// Reads a time above zero, such as `500ms` or `1.5m`.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let split = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "" => return Err(format!("`{}` has no unit", shown(text))),
        _ => return Err(format!("`{}` is no unit of time", shown(unit))),
    };
    let number = number.trim_matches(' ');
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: Option<f64> = number.parse().ok().filter(|_| is_plain);
    let number = number.ok_or_else(|| format!("`{}` is no time", shown(text)))?;
    Duration::try_from_secs_f64(number * scale)
        .ok()
        .filter(|time| !time.is_zero())
        .ok_or_else(|| format!("`{}` is no time above zero", shown(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("2 h"), Ok(Duration::from_secs(7200)));
        for bad in ["", "s", "3", "0s", "-1s", "5 parsecs", "1e999s", "nans", "infs", "ä"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
