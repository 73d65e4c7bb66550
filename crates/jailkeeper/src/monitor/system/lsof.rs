//! What `lsof -F` writes: one field a line, its letter first.

use jailkeeper_model::JailPath;

/// Returns the one name in an answer.
pub(super) fn working_directory(said: &str) -> Option<JailPath> {
    JailPath::new(said.lines().find_map(|line| line.strip_prefix('n'))?).ok()
}

/// Returns descriptors and names. What is no file (`n->0x1234`, `n127.0.0.1:80`) has no name.
pub(super) fn descriptors(said: &str) -> Vec<(i32, Option<JailPath>)> {
    let mut found = Vec::new();
    let mut number: Option<i32> = None;
    for line in said.lines() {
        if let Some(field) = line.strip_prefix('f') {
            found.extend(number.take().map(|number| (number, None)));
            // `fcwd`, `ftxt` and `fmem` are no descriptors.
            number = field.parse().ok();
        } else if let Some(name) = line.strip_prefix('n') {
            found.extend(number.take().map(|number| (number, JailPath::new(name).ok())));
        }
    }
    found.extend(number.map(|number| (number, None)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let here = working_directory("p812\nfcwd\nn/Users/u/my work\n");
        assert_eq!(here, JailPath::new("/Users/u/my work").ok());
        assert_eq!(working_directory(""), None);
        assert_eq!(working_directory("p812\n"), None);
        let found = descriptors(
            "p812\nf0\nn/dev/ttys001\nfcwd\nn/x\nf3\nn->0xd8c1\nf4\nf10\nn/etc/hosts\n",
        );
        let path = |text| JailPath::new(text).ok();
        let hosts = (10, path("/etc/hosts"));
        assert_eq!(found, [(0, path("/dev/ttys001")), (3, None), (4, None), hosts]);
    }
}
