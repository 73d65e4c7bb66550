//! An assembler for classic BPF as seccomp takes it.
//!
//! A program is written as [`Item`]s with symbolic [`Label`]s and assembled once. Conditional
//! jumps of classic BPF reach 255 instructions; the assembler turns longer ones, and those alone,
//! into a short jump over an unconditional one, whose offset has 32 bits.
//!
//! # References
//!
//! * [seccomp_unotify(2)](https://man7.org/linux/man-pages/man2/seccomp_unotify.2.html)
//! * [Linux socket filtering](https://docs.kernel.org/networking/filter.html)

/// How many instructions the kernel takes; `BPF_MAXINSNS`.
const INSTRUCTIONS_AT_MOST: usize = 4096;
/// The greatest number that a label may have.
const LABELS_AT_MOST: usize = 1 << 16;

/// A place in a program that jumps can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label(pub u32);

/// One line of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// Marks the place that the label names.
    Here(Label),
    /// Loads 32 bits of `struct seccomp_data` at this byte offset.
    Load(u32),
    /// Keeps only these bits of the loaded value.
    And(u32),
    /// Goes on at the label if the loaded value equals the constant.
    IfEqual(u32, Label),
    /// Goes on at the label if the loaded value is at least the constant, unsigned.
    IfAtLeast(u32, Label),
    /// Goes on at the label if the loaded value has any of these bits.
    IfAnyBit(u32, Label),
    /// Goes on at the label.
    Goto(Label),
    /// Ends with this `SECCOMP_RET_*` value.
    Return(u32),
}

/// Byte offset of the system call number in `struct seccomp_data`.
pub const NUMBER: u32 = 0;
/// Byte offset of the architecture in `struct seccomp_data`.
pub const ARCHITECTURE: u32 = 4;

/// Byte offset of the low half of an argument in `struct seccomp_data` (little endian).
#[must_use]
pub const fn argument_low(index: u32) -> u32 {
    16 + 8 * index
}

/// Byte offset of the high half of an argument in `struct seccomp_data` (little endian).
#[must_use]
pub const fn argument_high(index: u32) -> u32 {
    20 + 8 * index
}

/// Why a program cannot be assembled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssembleError {
    /// A jump names a label that is nowhere, or one that lies behind it.
    BadLabel(Label),
    /// The program has more than 4096 instructions.
    TooLong,
}

impl std::fmt::Display for AssembleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BadLabel(label) => write!(f, "label {} is missing or lies behind", label.0),
            Self::TooLong => write!(f, "more than 4096 instructions"),
        }
    }
}

impl std::error::Error for AssembleError {}

/// An assembled program.
#[derive(Clone)]
pub struct Program {
    pub(crate) code: Vec<libc::sock_filter>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("instructions", &self.code.len()).finish()
    }
}

impl Program {
    /// Assembles the items.
    ///
    /// # Errors
    ///
    /// When a label is missing or lies behind its jump, or the program is too long.
    pub fn assemble(items: &[Item]) -> Result<Self, AssembleError> {
        // All jumps lead onwards, so sizes are known from the end: a test whose label is near holds
        // the distance itself, one whose label is far stands before a jump of 32 bits.
        let mut places: Vec<Option<u32>> = Vec::new();
        let mut code: Vec<libc::sock_filter> = Vec::with_capacity(items.len() * 2);
        for item in items.iter().rev() {
            // The program is written backwards: so much comes after what is written now.
            let after = u32::try_from(code.len()).map_err(|_| AssembleError::TooLong)?;
            let distance = |label: &Label| {
                let place = usize::try_from(label.0).ok().and_then(|index| places.get(index));
                let place = place.copied().flatten();
                place
                    .and_then(|place| after.checked_sub(place))
                    .ok_or(AssembleError::BadLabel(*label))
            };
            let mut test = |operation: u32, constant: u32, label: &Label| {
                let distance = distance(label)?;
                if let Ok(near) = u8::try_from(distance) {
                    code.push(jump(BPF_JMP | operation | BPF_K, constant, near, 0));
                } else {
                    code.push(statement(BPF_JMP | BPF_JA, distance));
                    code.push(jump(BPF_JMP | operation | BPF_K, constant, 0, 1));
                }
                Ok(())
            };
            match item {
                Item::Here(label) => {
                    let index = usize::try_from(label.0).map_err(|_| AssembleError::TooLong)?;
                    if index > LABELS_AT_MOST {
                        return Err(AssembleError::TooLong);
                    }
                    if places.len() <= index {
                        places.resize(index + 1, None);
                    }
                    if let Some(place) = places.get_mut(index) {
                        *place = Some(after);
                    }
                }
                Item::IfEqual(constant, label) => test(BPF_JEQ, *constant, label)?,
                Item::IfAtLeast(constant, label) => test(BPF_JGE, *constant, label)?,
                Item::IfAnyBit(bits, label) => test(BPF_JSET, *bits, label)?,
                Item::Load(offset) => code.push(statement(BPF_LD | BPF_W | BPF_ABS, *offset)),
                Item::And(mask) => code.push(statement(BPF_ALU | BPF_AND | BPF_K, *mask)),
                Item::Goto(label) => {
                    let distance = distance(label)?;
                    code.push(statement(BPF_JMP | BPF_JA, distance));
                }
                Item::Return(value) => code.push(statement(BPF_RET | BPF_K, *value)),
            }
            if code.len() > INSTRUCTIONS_AT_MOST {
                return Err(AssembleError::TooLong);
            }
        }
        code.reverse();
        Ok(Self { code })
    }

    /// Returns the number of instructions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.code.len()
    }

    /// Tells whether the program has no instruction.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.code.is_empty()
    }

    /// Runs the program on a call in this process, as the kernel would.
    ///
    /// Lets tests ask a filter about every system call without installing it. Returns `None` if
    /// the program reads outside the data or runs off its end.
    #[must_use]
    pub fn evaluate(&self, number: u32, architecture: u32, arguments: [u64; 6]) -> Option<u32> {
        let mut data = [0u8; 64];
        data.get_mut(0..4)?.copy_from_slice(&number.to_ne_bytes());
        data.get_mut(4..8)?.copy_from_slice(&architecture.to_ne_bytes());
        for (slot, argument) in data.get_mut(16..)?.chunks_exact_mut(8).zip(arguments) {
            slot.copy_from_slice(&argument.to_ne_bytes());
        }
        let mut value: u32 = 0;
        let mut at: usize = 0;
        loop {
            let line = self.code.get(at)?;
            at += 1;
            let taken = match u32::from(line.code) {
                c if c == BPF_LD | BPF_W | BPF_ABS => {
                    let offset = usize::try_from(line.k).ok()?;
                    let bytes = data.get(offset..offset + 4)?;
                    value = u32::from_ne_bytes(bytes.try_into().ok()?);
                    continue;
                }
                c if c == BPF_ALU | BPF_AND | BPF_K => {
                    value &= line.k;
                    continue;
                }
                c if c == BPF_RET | BPF_K => return Some(line.k),
                c if c == BPF_JMP | BPF_JA => {
                    at += usize::try_from(line.k).ok()?;
                    continue;
                }
                c if c == BPF_JMP | BPF_JEQ | BPF_K => value == line.k,
                c if c == BPF_JMP | BPF_JGE | BPF_K => value >= line.k,
                c if c == BPF_JMP | BPF_JSET | BPF_K => value & line.k != 0,
                _ => return None,
            };
            at += usize::from(if taken { line.jt } else { line.jf });
        }
    }
}

const BPF_LD: u32 = 0x00;
const BPF_W: u32 = 0x00;
const BPF_ABS: u32 = 0x20;
const BPF_ALU: u32 = 0x04;
const BPF_AND: u32 = 0x50;
const BPF_JMP: u32 = 0x05;
const BPF_JA: u32 = 0x00;
const BPF_JEQ: u32 = 0x10;
const BPF_JGE: u32 = 0x30;
const BPF_JSET: u32 = 0x40;
const BPF_K: u32 = 0x00;
const BPF_RET: u32 = 0x06;

fn statement(code: u32, k: u32) -> libc::sock_filter {
    jump(code, k, 0, 0)
}

#[expect(clippy::cast_possible_truncation, reason = "every opcode above fits in 8 bits")]
fn jump(code: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_land_where_the_labels_are() {
        let (yes, bits) = (Label(1), Label(2));
        let program = Program::assemble(&[
            Item::Load(NUMBER),
            Item::IfEqual(7, yes),
            Item::Load(argument_low(1)),
            Item::IfAnyBit(0x40, bits),
            Item::Return(1),
            Item::Here(yes),
            Item::Return(2),
            Item::Here(bits),
            Item::Return(3),
        ])
        .unwrap();
        assert_eq!(program.evaluate(7, 0, [0; 6]), Some(2));
        assert_eq!(program.evaluate(8, 0, [0; 6]), Some(1));
        assert_eq!(program.evaluate(8, 0, [0, 0x41, 0, 0, 0, 0]), Some(3));
        assert_eq!(program.evaluate(8, 0, [0x40; 6].map(|_| 0x41 << 32)), Some(1));
    }

    #[test]
    fn a_jump_over_more_than_255_instructions_works() {
        let far = Label(9);
        let mut items = vec![Item::Load(NUMBER), Item::IfAtLeast(5, far)];
        items.extend(std::iter::repeat_n(Item::And(u32::MAX), 600));
        items.extend([Item::Return(1), Item::Here(far), Item::Return(2)]);
        let program = Program::assemble(&items).unwrap();
        assert_eq!(program.evaluate(4, 0, [0; 6]), Some(1));
        assert_eq!(program.evaluate(5, 0, [0; 6]), Some(2));
    }

    #[test]
    fn backward_and_missing_labels_are_errors() {
        let label = Label(1);
        let back = [Item::Here(label), Item::Goto(label)];
        assert_eq!(Program::assemble(&back).unwrap_err(), AssembleError::BadLabel(label));
        assert!(Program::assemble(&[Item::IfEqual(1, label), Item::Return(0)]).is_err());
    }
}
