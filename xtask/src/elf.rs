//! Just enough of the ELF format to tell whether a program is static.

use anyhow::{Context, Result, bail};

/// A program header that names a dynamic loader.
const PT_INTERP: u32 = 3;

/// Tells whether a 64-bit little-endian ELF program runs without a dynamic loader.
///
/// # References
/// `elf(5)`
pub(crate) fn is_static(file: &[u8]) -> Result<bool> {
    if file.get(..6) != Some(b"\x7fELF\x02\x01") {
        bail!("failed to read the program: it is no 64-bit little-endian ELF file");
    }
    let table = usize::try_from(u64::from_le_bytes(field(file, 32)?))?;
    let size = usize::from(u16::from_le_bytes(field(file, 54)?));
    let count = usize::from(u16::from_le_bytes(field(file, 56)?));
    for index in 0..count {
        if u32::from_le_bytes(field(file, table + index * size)?) == PT_INTERP {
            return Ok(false);
        }
    }
    Ok(true)
}

fn field<const N: usize>(file: &[u8], at: usize) -> Result<[u8; N]> {
    let bytes = file.get(at..).and_then(|rest| rest.first_chunk::<N>());
    bytes.copied().context("failed to read the program: it is cut off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_told_from_text() {
        let file = std::fs::read("/proc/self/exe").expect("this program can be read");
        assert!(is_static(&file).is_ok());
        assert!(is_static(b"#!/bin/sh\n").is_err());
        assert!(is_static(&file[..60]).is_err());
    }
}
