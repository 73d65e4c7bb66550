//! Tests that run as root and as an ordinary user.

/// Makes four tests of a function that takes a place: `NAME::root`, `NAME::ordinary`, and the same
/// at strength `flat`.
///
/// What a test needs besides root and FUSE stands behind its name.
macro_rules! both {
    ($($(#[$attribute:meta])* $name:ident $(needs [$($need:tt),+])?;)*) => {
        $(mod $name {
            use jailkeeper_testkit::{Place, User, needs};

            #[test]
            $(#[$attribute])*
            fn root() {
                needs![root, fuse $($(, $need)+)?];
                super::$name(&Place::new(User::Root));
            }

            #[test]
            $(#[$attribute])*
            fn ordinary() {
                needs![fuse $($(, $need)+)?];
                super::$name(&Place::new(User::Ordinary));
            }

            #[test]
            $(#[$attribute])*
            fn flat_root() {
                needs![root $($(, $need)+)?];
                super::$name(&Place::flat(User::Root));
            }

            #[test]
            $(#[$attribute])*
            fn flat_ordinary() {
                needs![root $($(, $need)+)?];
                super::$name(&Place::flat(User::Ordinary));
            }
        })*
    };
}
pub(crate) use both;
