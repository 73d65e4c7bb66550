//! The flags of a call, as names or as a number.

use crate::value::Value;

/// Flags as the tracer wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags(Kind);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Kind {
    #[default]
    None,
    Names(Box<[u8]>),
    Number(i64, Access, &'static [(i64, &'static str)]),
}

/// Whether the two lowest bits say how a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    InLowBits,
    None,
}

/// Flags that are looked at, before anything is kept of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    value: Value<'a>,
    access: Access,
    table: &'static [(i64, &'static str)],
}

const MODES: [&str; 3] = ["O_RDONLY", "O_WRONLY", "O_RDWR"];

impl<'a> Seen<'a> {
    pub(crate) fn new(
        value: Value<'a>,
        access: Access,
        table: &'static [(i64, &'static str)],
    ) -> Self {
        Self { value, access, table }
    }

    /// Tells whether a flag is among them.
    pub(crate) fn has(self, name: &str) -> bool {
        match self.value {
            Value::Word(word) => names(word).any(|known| known == name.as_bytes()),
            Value::Number(number, _) => numbered(number, self.access, self.table, name),
            _ => false,
        }
    }

    /// Tells whether they are known.
    pub(crate) fn are_known(self) -> bool {
        matches!(self.value, Value::Word(_) | Value::Number(..))
    }

    pub(crate) fn keep(self) -> Flags {
        Flags(match self.value {
            Value::Word(word) => Kind::Names(word.into()),
            Value::Number(number, _) => Kind::Number(number, self.access, self.table),
            _ => Kind::None,
        })
    }
}

fn numbered(number: i64, access: Access, table: &[(i64, &str)], name: &str) -> bool {
    if access == Access::InLowBits
        && let Some(mode) = MODES.iter().position(|mode| *mode == name)
    {
        return usize::try_from(number & 3) == Ok(mode);
    }
    table.iter().any(|(bits, known)| *known == name && number & bits == *bits)
}

/// Cuts names apart. In a structure the flags stand behind `flags=`.
fn names(word: &[u8]) -> impl Iterator<Item = &[u8]> {
    let word = match word.first() {
        Some(b'{') => field(word, b"flags=").unwrap_or_default(),
        _ => word,
    };
    word.split(|byte| *byte == b'|').map(<[u8]>::trim_ascii)
}

/// Returns the value of a field in a structure, up to the comma or brace.
pub(crate) fn field<'a>(structure: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = structure.windows(name.len()).position(|window| window == name)?;
    let value = structure.get(at + name.len()..)?;
    let end = value.iter().position(|byte| matches!(byte, b',' | b'}')).unwrap_or(value.len());
    value.get(..end)
}

impl Flags {
    /// Makes flags of their names, for a tracer that has read them itself.
    #[must_use]
    pub fn named(names: &[&str]) -> Self {
        if names.is_empty() {
            return Self::default();
        }
        Self(Kind::Names(names.join("|").into_bytes().into()))
    }

    /// Returns the names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match &self.0 {
            Kind::None => Vec::new(),
            Kind::Names(word) => names(word)
                .filter(|name| !name.is_empty() && *name != b"0")
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect(),
            Kind::Number(number, access, table) => {
                let modes = MODES.iter().filter(|_| *access == Access::InLowBits);
                let named = modes.chain(table.iter().map(|(_, name)| name));
                named
                    .filter(|name| numbered(*number, *access, table, name))
                    .map(|name| (*name).to_owned())
                    .collect()
            }
        }
    }

    /// Tells whether a flag is among them.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match &self.0 {
            Kind::None => false,
            Kind::Names(word) => names(word).any(|known| known == name.as_bytes()),
            Kind::Number(number, access, table) => numbered(*number, *access, table, name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;

    #[test]
    fn names_and_numbers_say_the_same() {
        let table = Dialect::Dtruss.open_flags();
        for value in [Value::Word(b"O_RDWR|O_CREAT|O_EXCL"), Value::Number(0xa02, None)] {
            let seen = Seen::new(value, Access::InLowBits, table);
            assert!(seen.has("O_RDWR") && seen.has("O_CREAT") && !seen.has("O_WRONLY"));
            assert_eq!(seen.keep().names(), ["O_RDWR", "O_CREAT", "O_EXCL"]);
        }
    }

    #[test]
    fn flags_in_a_structure_are_found() {
        let how = Value::Word(b"{flags=O_WRONLY|O_CREAT, mode=0644, resolve=RESOLVE_BENEATH}");
        let seen = Seen::new(how, Access::InLowBits, &[]);
        assert!(seen.has("O_CREAT") && !seen.has("O_RDONLY"));
        assert_eq!(seen.keep().names(), ["O_WRONLY", "O_CREAT"]);
    }
}
